using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Indexings =>
    [
        Row("Gather", ReadGather),
        Row("GatherElements", node => node.Axis(0) is var axis && (node[0].Type != ElementType.Float32 || IsFromEndOfBatch(node, axis)) ? node.Keep((node[0].Type, node[1].Shape))[0]
            : GatherElements(node[0], axis, FromStart(node, node[1], node[0].Shape[axis]))),
        Row("GatherND", ReadGatherOfTuples),
        Row("OneHot", ReadOneHot),
    ];

    private static Value ReadGather(OnnxNode node)
    {
        int axis = node.Axis(0);
        return IsFromEndOfBatch(node, axis)
            ? node.Keep((node[0].Type, [.. node[0].Shape.Take(axis), .. node[1].Shape, .. node[0].Shape.Skip(axis + 1)]))[0]
            : Gather(node[0], axis, FromStart(node, node[1], node[0].Shape[axis]));
    }

    // The position of the end depends on the batch: the runtime finds it.
    private static bool IsFromEndOfBatch(OnnxNode node, int axis) => node[0].Shape[axis] < 0 && node.Known(1)?.Longs?.Min() is not >= 0;

    // Negative positions count from the end. Constant ones out of range are rejected, computed ones left for the runtime to reject.
    private static Value FromStart(OnnxNode node, Value positions, long size)
    {
        if (positions.Constant is { Type: ElementType.Int64 } constant)
        {
            long[] places = constant.As<long>().ToArray();
            int outside = Array.FindIndex(places, place => place < -size || place >= size);
            return size >= 0 && outside >= 0 ? throw node.Error($"it asks for entry {places[outside]} of {size}")
                : Value.Of<long>(positions.Shape, [.. places.Select(place => place < 0 ? place + size : place)]);
        }

        var numbers = Cast(positions, ElementType.Int64);
        return numbers + (Value.Of<long>(Shape.Scalar, size) * Cast(Less(numbers, Value.Of<long>(Shape.Scalar, 0L)), ElementType.Int64));
    }

    // Positions with one number per axis, [..., axes], as flat row indices over those axes, [...].
    private static Value RowsOfTuples(OnnxNode node, Value tuples, Shape shape)
    {
        int axes = (int)tuples.Shape[^1];
        if (axes < 1 || axes > shape.Rank)
        {
            throw node.Error($"its positions {tuples.Shape} have {axes} numbers each, for {shape}");
        }

        Shape places = [.. tuples.Shape.SkipLast(1)];
        return Enumerable.Range(0, axes)
            .Select(axis => Times(FromStart(node, Column(axis), shape[axis]), shape.Take(axes).Skip(axis + 1).Product()))
            .Aggregate(Plus);

        Value Column(int axis) => tuples.Constant is { } constant
            ? Value.Of<long>(places, [.. constant.As<long>().ToArray().Where((_, i) => i % axes == axis)])
            : Reshape(Slice(tuples, -1, axis, axis + 1), places);
    }

    // Sums and products of positions; those of constants are constants.
    private static Value Plus(Value a, Value b) => a.Constant is { } x && b.Constant is { } y
        ? Value.Of<long>(a.Shape, [.. x.As<long>().ToArray().Zip(y.As<long>().ToArray(), (p, q) => p + q)])
        : a + b;

    private static Value Times(Value positions, long factor) => positions.Constant is { } constant
        ? Value.Of<long>(positions.Shape, [.. constant.As<long>().ToArray().Select(position => position * factor)])
        : positions * Value.Of<long>(Shape.Scalar, factor);

    private static Value? ReadGatherOfTuples(OnnxNode node)
    {
        var (x, tuples) = (node[0], node[1]);
        Require(node, node.Int("batch_dims", 0) >= 0 && node.Int("batch_dims", 0) < Math.Min(x.Shape.Rank, tuples.Shape.Rank), $"its batch_dims are {node.Int("batch_dims", 0)}, for {x.Shape} and {tuples.Shape}");
        if (node.Int("batch_dims", 0) != 0 || x.Shape.HasBatch || tuples.Shape.HasBatch)
        {
            return null;
        }

        var rows = RowsOfTuples(node, tuples, x.Shape);
        int axes = (int)tuples.Shape[^1];
        return Gather(Reshape(x, [x.Shape.Take(axes).Product(), .. x.Shape.Skip(axes)]), 0, rows);
    }

    private static Value? ReadOneHot(OnnxNode node)
    {
        long depth = (long)node.Scalar(1, 0f);
        Shape withDepth = [.. node[0].Shape, depth];
        int place = withDepth.Axis(node.Int("axis", -1));
        Require(node, node[0].Shape.Rank > 0 && node.ShapeOf(2) == [2] && depth is >= 1 and <= LargestTable && depth * node[0].Shape.ElementCount <= MostNumbers, $"its depth is {depth}, for positions {node[0].Shape} and levels {node.ShapeOf(2)}");
        if (node[0].Type != ElementType.Int64 || node[2].Type is not (ElementType.Float32 or ElementType.Int64))
        {
            return node.Keep((node[2].Type, [.. node[0].Shape.Take(place), depth, .. node[0].Shape.Skip(place)]))[0];
        }

        // Positions out of range match nothing.
        var positions = node.Known(0)?.Longs is { } known ? Value.Of<long>(node[0].Shape, [.. known.Select(position => position < 0 ? position + depth : position)]) : FromStart(node, node[0], depth);
        Value Level(int index) => Reshape(Slice(node[2], 0, index, index + 1), Shape.Scalar);
        return Where(IsAt(positions, (int)depth, place), Level(1), Level(0));
    }
}
