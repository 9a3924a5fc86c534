using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Reductions =>
    [
        Row("ReduceSum", node => ReduceSum(node[0], ReducedAxes(node), KeepsDimensions(node))),
        Row("ReduceMean", node => ReduceMean(node[0], ReducedAxes(node), KeepsDimensions(node))),
        Row("ReduceMax", node => ReduceMax(node[0], ReducedAxes(node), KeepsDimensions(node))),
        Row("ReduceMin", node => -ReduceMax(-node[0], ReducedAxes(node), KeepsDimensions(node))),
        Row("ReduceSumSquare", node => ReduceSum(Square(node[0]), ReducedAxes(node), KeepsDimensions(node))),
        Row("ArgMax", node => node.Int("select_last_index", 0) != 0 ? null
            : ArgMax(node[0], (int)node.Int("axis", 0)) is var positions && KeepsDimensions(node)
                ? Reshape(positions, node[0].Shape.With(node[0].Shape.Axis((int)node.Int("axis", 0)), 1)) : positions),
        Row("ReduceL2", node => Sqrt(ReduceSum(Square(node[0]), ReducedAxes(node), KeepsDimensions(node)))),
    ];

    private static int[] ReducedAxes(OnnxNode node) => node.Axes(1) is { Length: > 0 } axes
        ? [.. axes.Select(axis => (int)axis)]
        : node.Int("noop_with_empty_axes", 0) != 0 ? [] : [.. Enumerable.Range(0, node[0].Shape.Rank)];

    private static bool KeepsDimensions(OnnxNode node) => node.Int("keepdims", 1) != 0;
}
