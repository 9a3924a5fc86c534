using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    // Above this many rows, a table of where each row is taken from would be larger than what it saves.
    private const long MostKnownRows = 1 << 22;

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Scatters =>
    [
        Row("ScatterND", ReadScatterOfTuples),
        Row("ScatterElements", ReadScatterOfElements),
    ];

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
        long[] elsewhere = new long[count]; // the other axes' contribution to each place
        for (long i = 0; i < count; i++)
        {
            long left = i;
            for (int other = x.Shape.Rank - 1; other >= 0; left /= positions.Shape[other], other--)
            {
                elsewhere[i] += other == axis ? 0 : left % positions.Shape[other] * x.Shape.Skip(other + 1).Product();
            }
        }

        var along = Flat(FromStart(node, positions, x.Shape[axis]));
        return Scatter(node, x, Plus(Times(along, stride), Value.Of<long>([count], elsewhere)), Reshape(updates, [count, 1]));
    }

    // As a vector; for a constant, a constant.
    private static Value Flat(Value x) => x.Constant is { } constant ? Value.Of<long>([x.Shape.ElementCount], constant.As<long>()) : Reshape(x, [x.Shape.ElementCount]);

    // x with rows replaced, or added to. With known positions, each row is gathered from x or from the updates: a gather has a gradient.
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
}
