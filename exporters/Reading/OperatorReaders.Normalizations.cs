using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private const long FirstSetWithScalesOfChannels = 21;

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Normalizations =>
    [
        RealRow("Softmax", node => Softmax(node[0], node.Axis(-1))),
        RealRow("LogSoftmax", node => LogSoftmax(node[0], node.Axis(-1))),
        new("BatchNormalization", ReadBatchNormalization),
        RealRow("InstanceNormalization", node => Scaled(node, Normalize(node[0], SpatialAxes(node[0]), node.Float("epsilon", 1e-5f)))),
        RealRow("GroupNormalization", ReadGroupNormalization),
        new("LayerNormalization", ReadLayerNormalization),
        RealRow("LpNormalization", ReadLpNormalization),
    ];

    // With the stored statistics, which is how models are exported, or in training with the batch's.
    private static IReadOnlyList<Value>? ReadBatchNormalization(OnnxNode node)
    {
        var x = node[0];
        float epsilon = node.Float("epsilon", 1e-5f), momentum = node.Float("momentum", 0.9f);
        Require(node, x.Shape.Rank >= 2 && Enumerable.Range(1, 4).All(i => node.ShapeOf(i) == [x.Shape[1]]), $"its numbers per channel are not all [{Shape.Name(x.Shape.ElementAtOrDefault(1))}]");
        if (node.Flag("training_mode"))
        {
            int[] axes = [0, .. SpatialAxes(x)];
            var (mean, variance) = (ReduceMean(x, axes), ReduceMean(Square(x - ReduceMean(x, axes, keepDimensions: true)), axes));
            return [Scaled(node, Normalize(x, axes, epsilon)), (momentum * node[3]) + ((1f - momentum) * mean), (momentum * node[4]) + ((1f - momentum) * variance)];
        }

        Require(node, node.OutputCount == 1, $"it has {node.OutputCount} outputs, of which only training has more than one");
        var scale = node[1] / Sqrt(node[4] + epsilon);
        return [(x * PerChannel(scale, x)) + PerChannel(node[2] - (node[3] * scale), x)];
    }

    private static Value Scaled(OnnxNode node, Value y) => (y * PerChannel(node[1], y)) + PerChannel(node[2], y);

    // In older operator sets, scale and bias are per group.
    private static Value ReadGroupNormalization(OnnxNode node)
    {
        var x = node[0];
        long groups = node.Int("num_groups", 1);
        var y = NormalizeGroups(x, groups, node.Float("epsilon", 1e-5f));
        return (y * PerChannel(OfChannels(node[1]), y)) + PerChannel(OfChannels(node[2]), y);

        Value OfChannels(Value vector) => node.OperatorSet >= FirstSetWithScalesOfChannels || groups == x.Shape[1] ? vector
            : Reshape(BroadcastTo(Reshape(vector, [groups, 1]), [groups, x.Shape[1] / groups]), [x.Shape[1]]);
    }

    private static IReadOnlyList<Value> ReadLayerNormalization(OnnxNode node)
    {
        int first = node.Axis(-1);
        int[] axes = [.. Enumerable.Range(first, node[0].Shape.Rank - first)];
        float epsilon = node.Float("epsilon", 1e-5f);
        var y = Normalize(node[0], axes, epsilon);
        y = IsOne(node[1]) ? y : y * node[1]; // files written by this project have their scales in nodes of their own
        return [node.Find(2) is { } bias ? y + bias : y, ReduceMean(node[0], axes, keepDimensions: true), ReciprocalDeviation(node[0], axes, epsilon)];
    }

    private static Value ReadLpNormalization(OnnxNode node)
    {
        var x = node[0];
        int[] axes = [node.Axis(-1)];
        Require(node, node.Int("p", 2) is 1 or 2, $"its p is {node.Int("p", 2)}; expected 1 or 2");
        return x / (node.Int("p", 2) == 1 ? ReduceSum(Abs(x), axes, keepDimensions: true) : Sqrt(ReduceSum(Square(x), axes, keepDimensions: true)));
    }

    // Whether a value is known to be 1 everywhere.
    private static bool IsOne(Value value) => KnownTensor.Of(value) is { Type: ElementType.Float32 } known && !known.Reals.AsSpan().ContainsAnyExcept(1f);
}
