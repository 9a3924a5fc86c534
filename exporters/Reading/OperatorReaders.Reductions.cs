using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Reductions =>
    [
        Reduction("ReduceSum", ReduceSum),
        Reduction("ReduceMean", ReduceMean),
        Reduction("ReduceMax", ReduceMax),
        Reduction("ReduceMin", (x, axes, keep) => -ReduceMax(-x, axes, keep)),
        Reduction("ReduceProd", ReduceProd),
        Reduction("ReduceL1", (x, axes, keep) => ReduceSum(Abs(x), axes, keep)),
        Reduction("ReduceL2", (x, axes, keep) => Sqrt(ReduceSum(Square(x), axes, keep))),
        Reduction("ReduceSumSquare", (x, axes, keep) => ReduceSum(Square(x), axes, keep)),
        Reduction("ReduceLogSum", (x, axes, keep) => Log(ReduceSum(x, axes, keep))),
        Reduction("ReduceLogSumExp", ReadLogSumExp),
        RealRow("ArgMax", node => ReadExtreme(node, node[0])),
        RealRow("ArgMin", node => ReadExtreme(node, -node[0])),
        Row("CumSum", node => node[0].Type == ElementType.Float32
            ? CumSum(node[0], (int)node.Longs(1)[0], node.Int("exclusive", 0) != 0, node.Int("reverse", 0) != 0) : null),
        new("TopK", ReadLargest),
    ];

    private delegate Value Reducer(Value x, ReadOnlySpan<int> axes, bool keepDimensions);

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> Reduction(string operatorType, Reducer reduce) =>
        Row(operatorType, node => node[0].Type == ElementType.Float32 ? reduce(node[0], node.ReducedAxes(), node.KeepsDimensions()) : null);

    private static Value ReadLogSumExp(Value x, ReadOnlySpan<int> axes, bool keepDimensions)
    {
        int[] reduced = [.. axes.ToArray().Select(x.Shape.Axis).Distinct().OrderDescending()];
        var y = reduced.Aggregate(x, LogSumExp);
        return keepDimensions ? Reshape(y, [.. x.Shape.Select((size, axis) => reduced.Contains(axis) ? 1 : size)]) : y;
    }

    private static Value? ReadExtreme(OnnxNode node, Value x)
    {
        int axis = x.Shape.Axis((int)node.Int("axis", 0));
        return node.Int("select_last_index", 0) != 0 ? null
            : node.KeepsDimensions() ? Reshape(ArgMax(x, axis), x.Shape.With(axis, 1))
            : ArgMax(x, axis);
    }

    private static IReadOnlyList<Value>? ReadLargest(OnnxNode node)
    {
        if (node[0].Type != ElementType.Float32 || node.Int("sorted", 1) == 0)
        {
            return null;
        }

        var (values, positions) = TopK(node[0], node.Longs(1)[0], (int)node.Int("axis", -1), node.Int("largest", 1) != 0);
        return [values, positions];
    }
}
