using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private const long FirstSetWithScalesOfChannels = 21;

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Normalizations =>
    [
        RealRow("Softmax", node => Softmax(node[0], (int)node.Int("axis", -1))),
        RealRow("LogSoftmax", node => LogSoftmax(node[0], (int)node.Int("axis", -1))),
        RealRow("BatchNormalization", ReadBatchNormalization),
        RealRow("InstanceNormalization", node => Scaled(node, Standardize(node[0], SpatialAxes(node[0]), node.Float("epsilon", 1e-5f)))),
        RealRow("GroupNormalization", ReadGroupNormalization),
        new("LayerNormalization", ReadLayerNormalization),
        RealRow("LpNormalization", ReadLpNormalization),
    ];

    // With the stored statistics, which is how models are exported.
    private static Value? ReadBatchNormalization(OnnxNode node)
    {
        if (node.Int("training_mode", 0) != 0)
        {
            return null;
        }

        var scale = node[1] / Sqrt(node[4] + node.Float("epsilon", 1e-5f));
        return (node[0] * PerChannel(scale, node[0])) + PerChannel(node[2] - (node[3] * scale), node[0]);
    }

    private static Value Scaled(OnnxNode node, Value y) => (y * PerChannel(node[1], y)) + PerChannel(node[2], y);

    // In older sets scale and bias are those of groups.
    private static Value ReadGroupNormalization(OnnxNode node)
    {
        var x = node[0];
        long groups = node.Int("num_groups", 1);
        var y = StandardizeGroups(x, groups, node.Float("epsilon", 1e-5f));
        return (y * PerChannel(OfChannels(node[1]), y)) + PerChannel(OfChannels(node[2]), y);

        Value OfChannels(Value vector) => node.OperatorSet >= FirstSetWithScalesOfChannels || groups == x.Shape[1] ? vector
            : Reshape(BroadcastTo(Reshape(vector, [groups, 1]), [groups, x.Shape[1] / groups]), [x.Shape[1]]);
    }

    private static IReadOnlyList<Value> ReadLayerNormalization(OnnxNode node)
    {
        int first = node[0].Shape.Axis((int)node.Int("axis", -1));
        int[] axes = [.. Enumerable.Range(first, node[0].Shape.Rank - first)];
        float epsilon = node.Float("epsilon", 1e-5f);
        var y = Standardize(node[0], axes, epsilon);
        y = IsOne(node[1]) ? y : y * node[1]; // files written by this project have their scales in nodes of their own
        return [node.Find(2) is { } bias ? y + bias : y, ReduceMean(node[0], axes, keepDimensions: true), InverseDeviation(node[0], axes, epsilon)];
    }

    private static Value ReadLpNormalization(OnnxNode node)
    {
        var x = node[0];
        int[] axes = [(int)node.Int("axis", -1)];
        return x / (node.Int("p", 2) == 1 ? ReduceSum(Abs(x), axes, keepDimensions: true) : Sqrt(ReduceSum(Square(x), axes, keepDimensions: true)));
    }

    // Whether a value is known to be 1 everywhere.
    private static bool IsOne(Value value) => KnownTensor.Of(value) is { Type: ElementType.Float32 } known && !known.Reals.AsSpan().ContainsAnyExcept(1f);
}
