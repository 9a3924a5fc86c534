using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

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
        Row("ArgMax", node => ReadExtreme(node, x => x)),
        Row("ArgMin", node => ReadExtreme(node, x => -x)),
        Row("CumSum", ReadCumulativeSum),
        new("TopK", ReadLargest),
    ];

    private delegate Value Reducer(Value x, ReadOnlySpan<int> axes, bool keepDimensions);

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> Reduction(string operatorType, Reducer reduce) =>
        Row(operatorType, node => node[0].Type == ElementType.Float32 ? reduce(node[0], node.ReducedAxes(), node.KeepsDimensions()) : ReduceIntegers(operatorType, node));

    // In the form of the operator set that graphs are written in; no gradient reaches integers.
    private static Value ReduceIntegers(string operatorType, OnnxNode node)
    {
        var x = node[0].Type == ElementType.Bool ? Cast(node[0], ElementType.Int64) : node[0]; // which older sets do not reduce
        var shape = x.Shape;
        var reduced = node.ReducedAxes().ToHashSet();
        long[] axes = [.. reduced.Order().Select(axis => (long)axis)];
        Shape result = [.. shape.Select((size, axis) => reduced.Contains(axis) ? 1 : size).Where((_, axis) => node.KeepsDimensions() || !reduced.Contains(axis))];
        return axes.Length == 0 ? node[0]
            : Cast(Opaque(operatorType, [x, Value.Indices(axes)], (x.Type, result), ("keepdims", node.KeepsDimensions() ? 1L : 0L)), node[0].Type);
    }

    private static Value ReadLogSumExp(Value x, ReadOnlySpan<int> axes, bool keepDimensions)
    {
        int[] reduced = [.. axes.ToArray().Select(axis => x.Shape.Axis(axis)).Distinct().OrderDescending()];
        var y = reduced.Aggregate(x, LogSumExp);
        return keepDimensions ? Reshape(y, [.. x.Shape.Select((size, axis) => reduced.Contains(axis) ? 1 : size)]) : y;
    }

    private static Value ReadExtreme(OnnxNode node, Func<Value, Value> turned)
    {
        int axis = node.Axis(0);
        var shape = node.ShapeOf(0);
        Shape kept = shape.With(axis, 1), result = node.KeepsDimensions() ? kept : [.. shape.Where((_, i) => i != axis)];
        return node[0].Type != ElementType.Float32 || node.Int("select_last_index", 0) != 0 ? node.Keep((ElementType.Int64, result))[0] : Reshape(ArgMax(turned(node[0]), axis), result);
    }

    private static Value ReadCumulativeSum(OnnxNode node)
    {
        bool exclusive = node.Flag("exclusive"), reverse = node.Flag("reverse");
        return node[0].Type == ElementType.Float32 && node.Known(1) is not null
            ? CumSum(node[0], node.ShapeOf(0).Axis(node.Longs(1)[0]), exclusive, reverse)
            : node.Keep((node[0].Type, node.ShapeOf(0)))[0];
    }

    private static IReadOnlyList<Value>? ReadLargest(OnnxNode node)
    {
        Require(node, node.ShapeOf(1) == [1], $"its number of entries is of shape {node.ShapeOf(1)}; expected [1]");
        long count = node.Longs(1)[0];
        if (node[0].Type != ElementType.Float32 || node.Int("sorted", 1) == 0)
        {
            var shape = node.ShapeOf(0).With(node.Axis(-1), count);
            return node.Keep((node[0].Type, shape), (ElementType.Int64, shape));
        }

        var (values, positions) = TopK(node[0], count, node.Axis(-1), node.Int("largest", 1) != 0);
        return [values, positions];
    }
}
