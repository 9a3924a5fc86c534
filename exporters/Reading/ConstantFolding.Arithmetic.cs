using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

internal static partial class ConstantFolding
{
    private static KeyValuePair<string, Func<OnnxNode, KnownTensor?>>[] Arithmetic =>
    [
        Row("Add", node => Fold(node, (a, b) => a + b, (a, b) => a + b)),
        Row("Sub", node => Fold(node, (a, b) => a - b, (a, b) => a - b)),
        Row("Mul", node => Fold(node, Size.Multiply, (a, b) => a * b)),
        Row("Div", node => Fold(node, Size.Divide, (a, b) => a / b)),
        Row("Mod", node => Fold(node, (a, b) => Remainder(a, b, node.Flag("fmod")), (a, b) => a % b)),
        Row("Pow", node => Fold(node, Power, MathF.Pow)),
        Row("Sum", node => Fold(node, (a, b) => a + b, (a, b) => a + b)),
        Row("Max", node => Fold(node, (a, b) => Size.IsLess(a, b) is { } isLess ? isLess ? b : a : null, MathF.Max)),
        Row("Min", node => Fold(node, (a, b) => Size.IsLess(a, b) is { } isLess ? isLess ? a : b : null, MathF.Min)),
        Row("And", node => Fold(node, (a, b) => a.Fixed & b.Fixed)),
        Row("Or", node => Fold(node, (a, b) => a.Fixed | b.Fixed)),
        Row("Xor", node => Fold(node, (a, b) => a.Fixed ^ b.Fixed)),
        Row("Not", node => Map(node, a => 1 - a.Fixed)),
        Row("Equal", node => Compare(node, Size.AreEqual, (a, b) => a == b)),
        Row("Less", node => Compare(node, Size.IsLess, (a, b) => a < b)),
        Row("Greater", node => Compare(node, (a, b) => Size.IsLess(b, a), (a, b) => a > b)),
        Row("LessOrEqual", node => Compare(node, (a, b) => !Size.IsLess(b, a), (a, b) => a <= b)),
        Row("GreaterOrEqual", node => Compare(node, (a, b) => !Size.IsLess(a, b), (a, b) => a >= b)),
        Row("Neg", node => Map(node, a => default(Size) - a, a => -a)),
        Row("Abs", node => Map(node, a => Size.IsLess(a, 0) is { } isNegative ? isNegative ? default(Size) - a : a : null, MathF.Abs)),
        Row("Sign", node => Map(node, a => a.IsFixed ? Math.Sign(a.Fixed) : null, a => MathF.Sign(a))),
        Row("Sqrt", node => Map(node, null, MathF.Sqrt)),
        Row("Exp", node => Map(node, null, MathF.Exp)),
        Row("Log", node => Map(node, null, MathF.Log)),
        Row("Reciprocal", node => Map(node, null, a => 1 / a)),
        Row("Floor", node => Map(node, null, MathF.Floor)),
        Row("Ceil", node => Map(node, null, MathF.Ceiling)),
        Row("Round", node => Map(node, null, a => MathF.Round(a, MidpointRounding.ToEven))),
        Row("Cast", Cast),
        Row("Where", Where),
        Row("ReduceSum", node => Reduce(node, (a, b) => a + b, (a, b) => a + b)),
        Row("ReduceProd", node => Reduce(node, Size.Multiply, (a, b) => a * b)),
        Row("ReduceMax", node => Reduce(node, (a, b) => Size.IsLess(a, b) is { } isLess ? isLess ? b : a : null, MathF.Max)),
        Row("ReduceMin", node => Reduce(node, (a, b) => Size.IsLess(a, b) is { } isLess ? isLess ? a : b : null, MathF.Min)),
        Row("CumSum", CumSum),
    ];

    // Two operands or more, with broadcasting.
    private static KnownTensor? Fold(OnnxNode node, Func<Size, Size, Size?> integers, Func<float, float, float>? reals = null)
    {
        var result = node.Known(0)!;
        for (int i = 1; i < node.Count; i++)
        {
            if (Zip(result, node.Known(i)!, integers, reals) is not { } next)
            {
                return null;
            }

            result = next;
        }

        return result;
    }

    private static KnownTensor? Zip(KnownTensor a, KnownTensor b, Func<Size, Size, Size?> integers, Func<float, float, float>? reals)
    {
        var shape = Shape.Broadcast(a.Shape, b.Shape);
        (a, b) = (BroadcastTo(a, shape), BroadcastTo(b, shape));
        if (a.Type == ElementType.Float32 && b.Type == ElementType.Float32)
        {
            return reals is null ? null : new KnownTensor(shape, [.. a.Reals.Zip(b.Reals, reals)]);
        }

        return a.Type == b.Type ? Known(a.Type, shape, a.Integers.Zip(b.Integers, integers)) : null;
    }

    private static KnownTensor? Compare(OnnxNode node, Func<Size, Size, bool?> integers, Func<float, float, bool> reals)
    {
        var (a, b) = (node.Known(0)!, node.Known(1)!);
        var shape = Shape.Broadcast(a.Shape, b.Shape);
        (a, b) = (BroadcastTo(a, shape), BroadcastTo(b, shape));
        return a.Type == ElementType.Float32
            ? new KnownTensor(ElementType.Bool, shape, [.. a.Reals.Zip(b.Reals, (x, y) => (Size)reals(x, y))])
            : Known(ElementType.Bool, shape, a.Integers.Zip(b.Integers, (x, y) => integers(x, y) is { } truth ? (Size?)truth : null));
    }

    private static KnownTensor? Map(OnnxNode node, Func<Size, Size?>? integers, Func<float, float>? reals = null)
    {
        var x = node.Known(0)!;
        return x.Type == ElementType.Float32 ? reals is null ? null : new KnownTensor(x.Shape, [.. x.Reals.Select(reals)])
            : integers is null ? null : Known(x.Type, x.Shape, x.Integers.Select(integers));
    }

    private static KnownTensor? Known(ElementType type, Shape shape, IEnumerable<Size?> sizes)
    {
        Size?[] all = [.. sizes];
        return all.Contains(null) ? null : new KnownTensor(type, shape, [.. all.Select(size => size!.Value)]);
    }

    // For integers, with the divisor's sign or the dividend's.
    private static Size? Remainder(Size a, Size b, bool isOfDividend)
    {
        if (!a.IsFixed || !b.IsFixed)
        {
            return null;
        }

        long remainder = a.Fixed % b.Fixed;
        return isOfDividend || remainder == 0 || (remainder < 0) == (b.Fixed < 0) ? remainder : remainder + b.Fixed;
    }

    private static Size? Power(Size a, Size b) => a.IsFixed && b.IsFixed ? (long)Math.Pow(a.Fixed, b.Fixed) : null;

    private static KnownTensor? Cast(OnnxNode node)
    {
        var x = node.Known(0)!;
        var type = ProtoTensors.TypeOf((int)node.Int("to", 0));
        return (x.Type, type) switch
        {
            _ when x.Type == type => x,
            (ElementType.Float32, ElementType.Bool) => new KnownTensor(type, x.Shape, [.. x.Reals.Select(number => (Size)(number != 0))]),
            (ElementType.Float32, ElementType.Int64) => new KnownTensor(type, x.Shape, [.. x.Reals.Select(number => (Size)(long)number)]),
            (_, ElementType.Float32) => x.Longs is { } numbers ? new KnownTensor(x.Shape, [.. numbers.Select(number => (float)number)]) : null,
            (_, ElementType.Int64) => new KnownTensor(type, x.Shape, x.Integers),
            (_, ElementType.Bool) => Known(type, x.Shape, x.Integers.Select(number => Size.AreEqual(number, 0) is { } isZero ? (Size?)!isZero : null)),
            _ => null,
        };
    }

    private static KnownTensor? Where(OnnxNode node)
    {
        var (condition, a, b) = (node.Known(0)!, node.Known(1)!, node.Known(2)!);
        var shape = Shape.Broadcast(condition.Shape, Shape.Broadcast(a.Shape, b.Shape));
        (condition, a, b) = (BroadcastTo(condition, shape), BroadcastTo(a, shape), BroadcastTo(b, shape));
        return a.Type != b.Type ? null
            : a.Type == ElementType.Float32 ? new KnownTensor(shape, [.. condition.Integers.Select((truth, i) => truth.Fixed != 0 ? a.Reals[i] : b.Reals[i])])
            : new KnownTensor(a.Type, shape, [.. condition.Integers.Select((truth, i) => truth.Fixed != 0 ? a.Integers[i] : b.Integers[i])]);
    }

    private static KnownTensor? Reduce(OnnxNode node, Func<Size, Size, Size?> integers, Func<float, float, float> reals)
    {
        var x = node.Known(0)!;
        var reduced = node.ReducedAxes().Select(axis => x.Shape.Axis(axis)).ToHashSet();
        int[] order = [.. Enumerable.Range(0, x.Shape.Rank).OrderBy(axis => reduced.Contains(axis))];
        long count = reduced.Select(axis => x.Shape[axis]).Product();
        if (count == 0)
        {
            return null;
        }

        // Each group of this many entries becomes one.
        long[] strides = Strides(x.Shape);
        var sorted = x.Pick([x.Count], Positions([.. order.Select(axis => x.Shape[axis])], 0, [.. order.Select(axis => strides[axis])]));
        Shape shape = [.. x.Shape.Select((size, axis) => reduced.Contains(axis) ? 1 : size).Where((_, axis) => node.KeepsDimensions() || !reduced.Contains(axis))];
        return x.Type == ElementType.Float32
            ? new KnownTensor(shape, [.. sorted.Reals.Chunk((int)count).Select(group => group.Aggregate(reals))])
            : Known(x.Type, shape, sorted.Integers.Chunk((int)count).Select(group => group.Skip(1).Aggregate((Size?)group[0], (a, b) => a is { } known ? integers(known, b) : null)));
    }

    private static KnownTensor? CumSum(OnnxNode node)
    {
        var x = node.Known(0)!;
        if (x.Shape.Rank != 1 || x.Type == ElementType.Float32 || node.Int("exclusive", 0) != 0 || node.Int("reverse", 0) != 0)
        {
            return null;
        }

        var sum = default(Size);
        return new KnownTensor(x.Type, x.Shape, [.. x.Integers.Select(number => sum += number)]);
    }
}
