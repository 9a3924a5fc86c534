using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Normalizations =>
    [
        Row("Softmax", node => Softmax(node[0], (int)node.Int("axis", -1))),
        Row("LogSoftmax", node => LogSoftmax(node[0], (int)node.Int("axis", -1))),
        Row("ReduceLogSumExp", node => ReducedAxes(node) is [var axis] && !KeepsDimensions(node) ? LogSumExp(node[0], axis) : null),
        Row("BatchNormalization", ReadBatchNormalization),
        Row("InstanceNormalization", node => Scaled(node, Standardize(node[0], SpatialAxes(node[0]), node.Float("epsilon", 1e-5f)))),
        new("LayerNormalization", ReadLayerNormalization),
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

    private static IReadOnlyList<Value> ReadLayerNormalization(OnnxNode node)
    {
        int first = node[0].Shape.Axis((int)node.Int("axis", -1));
        int[] axes = [.. Enumerable.Range(first, node[0].Shape.Rank - first)];
        float epsilon = node.Float("epsilon", 1e-5f);
        var y = Standardize(node[0], axes, epsilon);
        y = IsOne(node[1]) ? y : y * node[1]; // files written by this project have their scales in nodes of their own
        return [node.Find(2) is { } bias ? y + bias : y, ReduceMean(node[0], axes, keepDimensions: true), InverseDeviation(node[0], axes, epsilon)];
    }

    // Whether a value is known to be 1 everywhere.
    private static bool IsOne(Value value) => value.Producer is { OperatorType: "ConstantOfShape" } constant
        ? constant.Attribute<Tensor>("value").As<float>()[0] == 1
        : value.Constant is { Type: ElementType.Float32 } tensor && !tensor.As<float>().ContainsAnyExcept(1f);
}
