using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Reading;

/// <summary>Computes at once what exporters compute about shapes, so that the shapes themselves are known: vectors of Int64 constants.</summary>
internal static class ShapeArithmetic
{
    /// <summary>The result of a node whose inputs are Int64 constants, or that asks for a known shape; null for others.</summary>
    public static Value? TryFold(string operatorType, OnnxNode node)
    {
        if (operatorType == "Shape")
        {
            return node[0].Shape.HasBatch ? null : Value.Indices(node[0].Shape.ToArray());
        }

        if (node.Count == 0 || !Enumerable.Range(0, node.Count).All(i => node.Find(i) is { Constant.Type: ElementType.Int64 }))
        {
            return null;
        }

        long[] Input(int i) => node.Longs(i);
        return operatorType switch
        {
            "Add" => Zip(node, (a, b) => a + b),
            "Sub" => Zip(node, (a, b) => a - b),
            "Mul" => Zip(node, (a, b) => a * b),
            "Div" => Zip(node, (a, b) => a / b),
            "Concat" => Value.Indices([.. Enumerable.Range(0, node.Count).SelectMany(Input)]),
            "Gather" when node[0].Shape.Rank == 1 => Value.Of<long>(node[1].Shape, [.. Input(1).Select(i => Input(0)[i < 0 ? i + Input(0).Length : i])]),
            "Slice" when node[0].Shape.Rank == 1 && Input(1)[0] >= 0 && node.Count < 5 =>
                Value.Indices(Input(0).AsSpan((int)Input(1)[0]..(int)Math.Min(Input(2)[0] < 0 ? Input(0).Length + Input(2)[0] : Input(2)[0], Input(0).Length))),
            "Unsqueeze" when node[0].Shape.Rank == 0 => Value.Indices(Input(0)),
            "Squeeze" when node[0].Shape == [1] => Value.Of<long>(Shape.Scalar, Input(0)),
            _ => null,
        };
    }

    private static Value Zip(OnnxNode node, Func<long, long, long> combine)
    {
        var (a, b) = (node.Longs(0), node.Longs(1));
        var shape = Shape.Broadcast(node[0].Shape, node[1].Shape);
        return Value.Of<long>(shape, [.. Enumerable.Range(0, (int)shape.ElementCount).Select(i => combine(a[i % a.Length], b[i % b.Length]))]);
    }
}
