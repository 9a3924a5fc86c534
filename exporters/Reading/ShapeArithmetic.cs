using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Reading;

/// <summary>Computes at once what exporters compute about shapes, so that the shapes themselves are known: Int64 constants of at most one axis.</summary>
internal static class ShapeArithmetic
{
    /// <summary>The result of a node whose inputs are such constants, or that asks for a known shape; null for others.</summary>
    public static Value? TryFold(string operatorType, OnnxNode node)
    {
        if (operatorType == "Shape")
        {
            return ReadShape(node);
        }

        if (node.Count == 0 || !Enumerable.Range(0, node.Count).All(i => node.Find(i) is { Constant.Type: ElementType.Int64, Shape.Rank: <= 1 }))
        {
            return null;
        }

        return operatorType switch
        {
            "Add" => Zip(node, (a, b) => a + b),
            "Sub" => Zip(node, (a, b) => a - b),
            "Mul" => Zip(node, (a, b) => a * b),
            "Div" => Zip(node, (a, b) => a / b),
            "Concat" => Value.Indices([.. Enumerable.Range(0, node.Count).SelectMany(node.Longs)]),
            "Gather" => Value.Of<long>(node[1].Shape, [.. node.Longs(1).Select(i => node.Longs(0)[i < 0 ? i + node.Longs(0).Length : i])]),
            "Slice" => Slice(node),
            "Unsqueeze" when node[0].Shape.Rank == 0 => Value.Indices(node.Longs(0)),
            "Squeeze" when node[0].Shape == [1] => Value.Of<long>(Shape.Scalar, node.Longs(0)),
            _ => null,
        };
    }

    private static Value ReadShape(OnnxNode node)
    {
        var shape = node[0].Shape;
        int start = Position(node.Int("start", 0)), end = Position(node.Int("end", shape.Rank));
        long[] sizes = [.. shape.Skip(start).Take(end - start)];
        return sizes.Contains(Shape.Batch)
            ? throw node.Error($"it asks for the size of the symbolic batch of {shape}; read the model with a known batch")
            : Value.Indices(sizes);

        int Position(long axis) => (int)Math.Clamp(axis < 0 ? axis + shape.Rank : axis, 0, shape.Rank);
    }

    private static Value? Slice(OnnxNode node)
    {
        long[] all = node.Longs(0);
        long step = node.Count > 4 ? node.Longs(4)[0] : 1;
        if (step < 1)
        {
            return null;
        }

        int Position(long index) => (int)Math.Clamp(index < 0 ? index + all.Length : index, 0, all.Length);
        int start = Position(node.Longs(1)[0]), end = Position(node.Longs(2)[0]);
        return Value.Indices([.. all.Skip(start).Take(end - start).Where((_, i) => i % step == 0)]);
    }

    // Vectors of one length, or one of them a single number.
    private static Value Zip(OnnxNode node, Func<long, long, long> combine)
    {
        var (a, b) = (node.Longs(0), node.Longs(1));
        var shape = Shape.Broadcast(node[0].Shape, node[1].Shape);
        return Value.Of<long>(shape, [.. Enumerable.Range(0, (int)shape.ElementCount).Select(i => combine(a[i % a.Length], b[i % b.Length]))]);
    }
}
