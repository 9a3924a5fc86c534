using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    // Beyond as many, a table of which row is taken from where would be larger than what it saves.
    private const long MostKnownRows = 1 << 22;

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Indexings =>
    [
        Row("Gather", ReadGather),
        Row("GatherElements", node => node.Axis(0) is var axis && (node[0].Type != ElementType.Float32 || IsFromEndOfBatch(node, axis)) ? node.Keep((node[0].Type, node[1].Shape))[0]
            : GatherElements(node[0], axis, FromStart(node, node[1], node[0].Shape[axis]))),
        Row("GatherND", ReadGatherOfTuples),
        Row("ScatterND", ReadScatterOfTuples),
        Row("ScatterElements", ReadScatterOfElements),
        Row("OneHot", ReadOneHot),
    ];

    private static Value ReadGather(OnnxNode node)
    {
        int axis = node.Axis(0);
        return IsFromEndOfBatch(node, axis)
            ? node.Keep((node[0].Type, [.. node[0].Shape.Take(axis), .. node[1].Shape, .. node[0].Shape.Skip(axis + 1)]))[0]
            : Gather(node[0], axis, FromStart(node, node[1], node[0].Shape[axis]));
    }

    // Where the end is depends on the batch: the runtime finds it.
    private static bool IsFromEndOfBatch(OnnxNode node, int axis) => node[0].Shape[axis] < 0 && node.Known(1)?.Longs?.Min() is not >= 0;

    // Negative positions count from the end. Constant ones beyond it are refused, computed ones left for the runtime to refuse.
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

    // Positions by one number per axis, [..., axes], as positions in rows of what the axes hold, [...].
    private static Value RowsOfTuples(OnnxNode node, Value tuples, Shape shape)
    {
        int axes = (int)tuples.Shape[^1];
        if (axes < 1 || axes > shape.Rank)
        {
            throw node.Error($"its positions {tuples.Shape} have {axes} numbers each, for {shape}");
        }

        Shape places = [.. tuples.Shape.SkipLast(1)];
        return Enumerable.Range(0, axes).Select(axis =>
        {
            var column = tuples.Constant is { } constant
                ? Value.Of<long>(places, [.. constant.As<long>().ToArray().Where((_, i) => i % axes == axis)])
                : Reshape(Slice(tuples, -1, axis, axis + 1), places);
            return FromStart(node, column, shape[axis]) is var from && shape.Take(axes).Skip(axis + 1).Product() is var stride && from.Constant is { } known
                ? Value.Of<long>(places, [.. known.As<long>().ToArray().Select(place => place * stride)])
                : from * Value.Of<long>(Shape.Scalar, stride);
        }).Aggregate((a, b) => a.Constant is { } x && b.Constant is { } y ? Value.Of<long>(places, [.. x.As<long>().ToArray().Zip(y.As<long>().ToArray(), (p, q) => p + q)]) : a + b);
    }

    private static Value? ReadGatherOfTuples(OnnxNode node)
    {
        var (x, tuples) = (node[0], node[1]);
        if (node.Int("batch_dims", 0) != 0 || x.Shape.HasBatch || tuples.Shape.HasBatch)
        {
            return null;
        }

        var rows = RowsOfTuples(node, tuples, x.Shape);
        int axes = (int)tuples.Shape[^1];
        return Gather(Reshape(x, [x.Shape.Take(axes).Product(), .. x.Shape.Skip(axes)]), 0, rows);
    }

    private static Value? ReadScatterOfTuples(OnnxNode node)
    {
        var (x, tuples, updates) = (node[0], node[1], node[2]);
        if (x.Type != ElementType.Float32 || x.Shape.HasBatch || tuples.Shape.HasBatch || updates.Shape.HasBatch)
        {
            return node.Keep((x.Type, x.Shape))[0];
        }

        var rows = RowsOfTuples(node, tuples, x.Shape);
        int axes = (int)tuples.Shape[^1];
        Shape row = [.. x.Shape.Skip(axes)];
        return updates.Shape != [.. rows.Shape, .. row]
            ? throw node.Error($"its updates {updates.Shape} do not fit {x.Shape} at positions {tuples.Shape}")
            : Scatter(node, x, Flat(rows), Reshape(updates, [rows.Shape.ElementCount, row.ElementCount]));
    }

    // Each number is a row of its own, at a position in the whole tensor.
    private static Value? ReadScatterOfElements(OnnxNode node)
    {
        var (x, positions, updates) = (node[0], node[1], node[2]);
        if (x.Type != ElementType.Float32 || x.Shape.HasBatch || positions.Shape.HasBatch || updates.Shape.HasBatch)
        {
            return node.Keep((x.Type, x.Shape))[0];
        }

        int axis = node.Axis(0);
        if (positions.Shape != updates.Shape || positions.Shape.Rank != x.Shape.Rank || Enumerable.Range(0, x.Shape.Rank).Any(i => i != axis && positions.Shape[i] > x.Shape[i]))
        {
            throw node.Error($"its updates {updates.Shape} at positions {positions.Shape} do not fit {x.Shape}");
        }

        long count = positions.Shape.ElementCount, stride = x.Shape.Skip(axis + 1).Product();
        long[] elsewhere = new long[count];
        for (long i = 0, left = 0; i < count; i++)
        {
            left = i;
            for (int other = x.Shape.Rank - 1; other >= 0; left /= positions.Shape[other], other--)
            {
                elsewhere[i] += other == axis ? 0 : left % positions.Shape[other] * x.Shape.Skip(other + 1).Product();
            }
        }

        var along = Flat(FromStart(node, positions, x.Shape[axis]));
        var places = along.Constant is { } known
            ? Value.Of<long>([count], [.. known.As<long>().ToArray().Select((place, i) => (place * stride) + elsewhere[i])])
            : (along * Value.Of<long>(Shape.Scalar, stride)) + Value.Of<long>([count], elsewhere);
        return Scatter(node, x, places, Reshape(updates, [count, 1]));
    }

    // As a vector; of constants a constant.
    private static Value Flat(Value x) => x.Constant is { } constant ? Value.Of<long>([x.Shape.ElementCount], constant.As<long>()) : Reshape(x, [x.Shape.ElementCount]);

    // x with rows replaced, or added to. Rows at known positions are taken from one of both: what is taken has a gradient.
    private static Value? Scatter(OnnxNode node, Value x, Value places, Value updates)
    {
        string reduction = node.OneOf("reduction", "none", "add", "mul", "max", "min");
        long width = updates.Shape[1], rows = x.Shape.ElementCount / Math.Max(1, width);
        var old = Reshape(x, [rows, width]);
        if (reduction == "add")
        {
            return Reshape(old + ScatterAdd(updates, 0, places, rows), x.Shape);
        }

        if (reduction != "none")
        {
            return node.Keep((x.Type, x.Shape))[0];
        }

        if (places.Constant is { } known && rows <= MostKnownRows)
        {
            long[] taken = [.. Enumerable.Range(0, (int)rows)];
            foreach (var (place, update) in known.As<long>().ToArray().Select((place, update) => (place, update)))
            {
                taken[place] = rows + update;
            }

            return Reshape(Gather(Concat(0, old, updates), 0, taken), x.Shape);
        }

        var isReplaced = Greater(ScatterAdd(ConstantOfShape(places.Shape, 1f), 0, places, rows), 0f);
        return Reshape(Where(Reshape(isReplaced, [rows, 1]), ScatterAdd(updates, 0, places, rows), old), x.Shape);
    }

    private static Value? ReadOneHot(OnnxNode node)
    {
        long depth = (long)node.Scalar(1, 0f);
        int place = node.Int("axis", -1) is var named && named >= -node[0].Shape.Rank - 1 && named <= node[0].Shape.Rank ? (int)(named < 0 ? named + node[0].Shape.Rank + 1 : named)
            : throw node.Error($"its axis is {node.Int("axis", -1)}, for positions {node[0].Shape}");
        Require(node, node[0].Shape.Rank > 0 && node.ShapeOf(2) == [2] && depth is >= 1 and <= LargestTable && depth * node[0].Shape.ElementCount <= MostNumbers, $"its depth is {depth}, for positions {node[0].Shape} and levels {node.ShapeOf(2)}");
        if (node[0].Type != ElementType.Int64 || node[2].Type is not (ElementType.Float32 or ElementType.Int64))
        {
            return node.Keep((node[2].Type, [.. node[0].Shape.Take(place), depth, .. node[0].Shape.Skip(place)]))[0];
        }

        // Those outside are nowhere.
        var positions = node.Known(0)?.Longs is { } known ? Value.Of<long>(node[0].Shape, [.. known.Select(position => position < 0 ? position + depth : position)]) : FromStart(node, node[0], depth);
        Value Level(int index) => Reshape(Slice(node[2], 0, index, index + 1), Shape.Scalar);
        return Where(IsAt(positions, (int)depth, place), Level(1), Level(0));
    }
}
