using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Shapes =>
    [
        Row("Constant", ReadConstant),
        Row("ConstantOfShape", ReadConstantOfShape),
        Row("Reshape", node => Reshape(node[0], node.Resolve(node[0].Shape))),
        Row("Flatten", node => Reshape(node[0], node.Flattened())),
        Row("Squeeze", node => Reshape(node[0], node.Squeezed())),
        Row("Unsqueeze", node => Reshape(node[0], node.Unsqueezed())),
        Row("Transpose", node => Transpose(node[0], node.Permutation())),
        Row("Concat", node => Concat(node.Axis(0), [.. Enumerable.Range(0, node.Count).Select(i => node[i])])),
        new("Split", ReadSplit),
        Row("Slice", ReadSlice),
        Row("Expand", node => node.BroadcastTo(node[0], Shape.Broadcast(node[0].Shape, node.Dimensions(1)))),
        Row("Tile", ReadTile),
        Row("Trilu", ReadTriangle),
        Row("Range", ReadRange),
    ];

    private static Value ReadConstant(OnnxNode node) =>
        node.Tensor("value") is { } tensor ? Value.Of(ProtoTensors.Read(tensor))
        : node.Ints("value_ints") is { } ints ? Value.Indices(ints)
        : node.Floats("value_floats") is { } floats ? Value.Of<float>([floats.Length], floats)
        : node.HasAttribute("value_int") ? Value.Of<long>(Shape.Scalar, node.Int("value_int", 0))
        : node.HasAttribute("value_float") ? node.Float("value_float", 0f)
        : throw node.Error("it has no numeric value; sparse tensors and strings are not supported in graphs");

    private static Value? ReadConstantOfShape(OnnxNode node)
    {
        var fill = node.Tensor("value") is { } tensor ? ProtoTensors.Read(tensor) : Tensor.From<float>([1], 0f);
        if (fill.Shape != [1])
        {
            throw node.Error($"its value is of shape {fill.Shape}; expected one number, [1]");
        }

        var shape = node.Dimensions(0);
        return shape.HasBatch ? node.BroadcastTo(Reshape(Value.Of(fill), Shape.Scalar), shape)
            : fill.Type == ElementType.Float32 ? ConstantOfShape(shape, fill.As<float>()[0])
            : node.Keep((fill.Type, shape))[0]; // a large one
    }

    private static IReadOnlyList<Value> ReadSplit(OnnxNode node)
    {
        int axis = node.Axis(0);
        Require(node, node.OperatorSet < 18 || node.Has(1) || node.HasAttribute("num_outputs"), "it says neither how large its parts are nor how many");
        Require(node, node[0].Shape[axis] >= 0, $"it splits axis {axis} of {node[0].Shape}, which is the symbolic batch");
        long size = node[0].Shape[axis], part = (size + node.OutputCount - 1) / node.OutputCount;
        Require(node, node.Has(1) || node.OperatorSet >= 18 || size % node.OutputCount == 0, $"axis {axis} of {node[0].Shape} does not fall into {node.OutputCount} equal parts");
        long[] sizes = node.Has(1) ? node.Longs(1) : [.. Enumerable.Range(0, node.OutputCount).Select(i => Math.Min(part, size - (i * part)))];
        if (sizes.Length != node.OutputCount || sizes.Sum() != size || node.Int("num_outputs", node.OutputCount) != node.OutputCount)
        {
            throw node.Error($"its {node.OutputCount} parts [{string.Join(", ", sizes)}] are not the {size} entries of axis {axis}");
        }

        long start = 0;
        return [.. sizes.Select(length => Slice(node[0], axis, start, start += length))];
    }

    private static Value ReadTile(OnnxNode node)
    {
        Require(node, node.ShapeOf(1) == [node.ShapeOf(0).Rank], $"its repeats are of shape {node.ShapeOf(1)}, for {node.ShapeOf(0)}");
        long[] repeats = node.Longs(1);
        Require(node, repeats.All(times => times >= 0), $"its repeats are [{string.Join(", ", repeats)}]; expected 0 or more");
        return repeats.Contains(0) ? node.Keep((node[0].Type, [.. node.ShapeOf(0).Select((size, axis) => size * repeats[axis])]))[0] : Tile(node[0], repeats);
    }

    private static Value ReadSlice(OnnxNode node)
    {
        (int Axis, long Start, long Count, long Step)[] slices = [.. node.SlicesOf(node[0].Shape)];
        return slices.Any(slice => slice.Count == 0 || (slice.Step < 0 && slice.Count > LargestTable))
            ? node.Keep((node[0].Type, slices.Aggregate(node[0].Shape, (shape, slice) => shape.With(slice.Axis, slice.Count))))[0]
            : slices.Aggregate(node[0], (x, slice) =>
                slice.Count < 0 ? x // the symbolic batch as a whole
                : slice.Step > 0 ? Slice(x, slice.Axis, slice.Start, Math.Min(x.Shape[slice.Axis], slice.Start + (slice.Count * slice.Step)), slice.Step)
                : Gather(x, slice.Axis, [.. Enumerable.Range(0, (int)slice.Count).Select(i => slice.Start + (i * slice.Step))]));
    }

    // As many numbers as the open batch has rows; other ranges are known.
    private static Value? ReadRange(OnnxNode node) =>
        node[0].Type == ElementType.Int64 && Enumerable.Range(0, 3).All(i => node.ShapeOf(i).Rank == 0) && node.Sizes(0) is [var first] && node.Sizes(1) is [var end] && node.Longs(2) is [1] && (end - first).ToDimension() is { } count
            ? node.Keep((node[0].Type, [count]))[0]
            : null;

    private static Value? ReadTriangle(OnnxNode node)
    {
        Shape matrix = [.. node[0].Shape.TakeLast(2)];
        Require(node, matrix.Rank == 2 && !matrix.HasBatch, $"{node[0].Shape} has no matrices of known size");
        return node[0].Type != ElementType.Float32 || matrix.ElementCount > LargestTable ? node.Keep((node[0].Type, node[0].Shape))[0]
            : Where(Value.Of(new Tensor(ElementType.Bool, matrix, node.KeptByTrilu(matrix).Select(kept => (byte)(kept ? 1 : 0)).ToArray())), node[0], 0f);
    }
}
