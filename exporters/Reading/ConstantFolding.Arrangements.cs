using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

internal static partial class ConstantFolding
{
    private static KeyValuePair<string, Func<OnnxNode, KnownTensor?>>[] Arrangements =>
    [
        Row("Shape", SizesOf),
        Row("Size", node => node.ShapeOf(0).Aggregate((Size?)1, (product, size) => product is { } known ? Size.Multiply(known, Size.OfDimension(size)) : null) is { } count
            ? KnownTensor.OfNumber(ElementType.Int64, count) : null),
        Row("Range", Range),
        Row("ConstantOfShape", Filled),
        Row("Identity", node => node.Known(0)),
        Row("Reshape", node => node.Known(0)!.As(node.Resolve(node.Known(0)!.Shape))),
        Row("Flatten", node => node.Known(0)!.As(node.Flattened())),
        Row("Squeeze", node => node.Known(0)!.As(node.Squeezed())),
        Row("Unsqueeze", node => node.Known(0)!.As(node.Unsqueezed())),
        Row("Transpose", Transpose),
        Row("Expand", node => node.Dimensions(1) is var shape && shape.HasBatch ? null : BroadcastTo(node.Known(0)!, Shape.Broadcast(node.Known(0)!.Shape, shape))),
        Row("Tile", Tile),
        Row("Concat", Concat),
        Row("Slice", Slice),
        Row("Gather", Gather),
        Row("Trilu", Trilu),
        Row("NonZero", NonZero),
    ];

    private static KnownTensor SizesOf(OnnxNode node)
    {
        var shape = node.ShapeOf(0);
        int start = Position(node.Int("start", 0)), end = Position(node.Int("end", shape.Rank));
        return KnownTensor.OfSizes([.. shape.Skip(start).Take(end - start).Select(Size.OfDimension)]);

        int Position(long axis) => (int)Math.Clamp(axis < 0 ? axis + shape.Rank : axis, 0, shape.Rank);
    }

    private static KnownTensor? Range(OnnxNode node)
    {
        var (first, end, step) = (node.Known(0)!, node.Known(1)!, node.Known(2)!);
        if (first.Shape.Rank > 0 || end.Shape.Rank > 0 || step.Shape.Rank > 0 || step is { Reals: [0] } or { Integers: [{ Fixed: 0, PerRow: 0 }] })
        {
            throw node.Error($"its limits of {first.Shape}, {end.Shape} and its step of {step.Shape} must be single numbers, and the step not 0");
        }

        if (first.Type == ElementType.Float32)
        {
            float count = MathF.Ceiling((end.Reals[0] - first.Reals[0]) / step.Reals[0]);
            RequireRoom([Math.Max(0, (long)count)]);
            return new KnownTensor([Math.Max(0, (long)count)], [.. Enumerable.Range(0, Math.Max(0, (int)count)).Select(i => first.Reals[0] + (i * step.Reals[0]))]);
        }

        if (first.Longs is not [var from] || end.Longs is not [var to] || step.Longs is not [var by])
        {
            return null;
        }

        long numbers = Math.Max(0, ((to - from) / by) + ((to - from) % by == 0 ? 0 : ((to - from) % by < 0) == (by < 0) ? 1 : 0));
        RequireRoom([numbers]);
        return KnownTensor.OfSizes([.. Enumerable.Range(0, (int)numbers).Select(i => (Size)(from + (i * by)))]);
    }

    // For floats, the model keeps only the shape.
    private static KnownTensor? Filled(OnnxNode node)
    {
        var shape = node.Dimensions(0);
        if (shape.HasBatch || shape.ElementCount > KnownTensor.MostElements || node.Tensor("value") is not { } proto || ProtoTensors.Read(proto) is not { Type: not ElementType.Float32 } tensor)
        {
            return null;
        }

        var number = KnownTensor.Of(Value.Of(tensor))!.Integers[0];
        return new KnownTensor(tensor.Type, shape, [.. Enumerable.Repeat(number, (int)shape.ElementCount)]);
    }

    private static KnownTensor Transpose(OnnxNode node)
    {
        var x = node.Known(0)!;
        int[] order = node.Permutation();
        long[] strides = Strides(x.Shape);
        Shape shape = [.. order.Select(axis => x.Shape[axis])];
        return x.Pick(shape, Positions(shape, 0, [.. order.Select(axis => strides[axis])]));
    }

    private static KnownTensor? Tile(OnnxNode node)
    {
        var x = node.Known(0)!;
        long[] repeats = node.Longs(1), strides = Strides(x.Shape);
        if (repeats.Length != x.Shape.Rank || repeats.Any(times => times < 0))
        {
            return null;
        }

        Shape shape = [.. x.Shape.Select((size, axis) => size * repeats[axis])];
        RequireRoom(shape);
        Shape pairs = [.. x.Shape.SelectMany((size, axis) => (long[])[repeats[axis], size])];
        return x.Pick(shape, Positions(pairs, 0, [.. strides.SelectMany(stride => (long[])[0, stride])]));
    }

    private static KnownTensor Concat(OnnxNode node)
    {
        KnownTensor[] parts = [.. Enumerable.Range(0, node.Count).Select(i => node.Known(i)!)];
        int axis = node.Axis(0);
        if (parts.Any(part => part.Type != parts[0].Type || part.Shape.Rank != parts[0].Shape.Rank || part.Shape.With(axis, 0) != parts[0].Shape.With(axis, 0)))
        {
            throw node.Error($"the shapes {string.Join(", ", parts.Select(part => part.Shape))} cannot be joined along axis {axis}");
        }

        // Concatenates all elements, then picks them in the order of the result.
        var all = parts[0].Type == ElementType.Float32
            ? new KnownTensor([parts.Sum(part => part.Count)], [.. parts.SelectMany(part => part.Reals)])
            : new KnownTensor(parts[0].Type, [parts.Sum(part => part.Count)], [.. parts.SelectMany(part => part.Integers)]);
        long outer = parts[0].Shape.Take(axis).Product();
        long[] starts = [.. parts.Select((_, i) => parts.Take(i).Sum(part => (long)part.Count))];
        var positions = Enumerable.Range(0, (int)outer).SelectMany(row => parts.SelectMany((part, i) =>
        {
            long run = part.Count / outer;
            return Enumerable.Range(0, (int)run).Select(k => starts[i] + (row * run) + k);
        }));
        return all.Pick(parts[0].Shape.With(axis, parts.Sum(part => part.Shape[axis])), positions);
    }

    private static KnownTensor Slice(OnnxNode node)
    {
        var x = node.Known(0)!;
        foreach (var (axis, start, count, step) in node.SlicesOf(x.Shape))
        {
            long[] strides = Strides(x.Shape);
            var shape = x.Shape.With(axis, count);
            x = x.Pick(shape, Positions(shape, start * strides[axis], [.. strides.Select((stride, i) => i == axis ? stride * step : stride)]));
        }

        return x;
    }

    private static KnownTensor? Gather(OnnxNode node)
    {
        var x = node.Known(0)!;
        int axis = node.Axis(0);
        if (node.Known(1)!.Longs is not { } indices)
        {
            return null;
        }

        long size = x.Shape[axis], inner = x.Shape.Skip(axis + 1).Product();
        long[] places = [.. indices.Select(index => index >= -size && index < size ? (index + size) % size : throw node.Error($"it asks for entry {index} of {size}"))];
        Shape shape = [.. x.Shape.Take(axis), .. node.Known(1)!.Shape, .. x.Shape.Skip(axis + 1)];
        RequireRoom(shape);
        return x.Pick(shape, Enumerable.Range(0, (int)x.Shape.Take(axis).Product()).SelectMany(outer =>
            places.SelectMany(place => Enumerable.Range(0, (int)inner).Select(k => (((outer * size) + place) * inner) + k))));
    }

    private static KnownTensor? Trilu(OnnxNode node)
    {
        var x = node.Known(0)!;
        bool[] kept = node.KeptByTrilu(x.Shape);
        int matrix = kept.Length;
        return x.Type == ElementType.Float32
            ? new KnownTensor(x.Shape, [.. x.Reals.Select((number, i) => kept[i % matrix] ? number : 0)])
            : new KnownTensor(x.Type, x.Shape, [.. x.Integers.Select((number, i) => kept[i % matrix] ? number : default)]);
    }

    // The positions of the nonzero entries, [rank, count].
    private static KnownTensor? NonZero(OnnxNode node)
    {
        var x = node.Known(0)!;
        x = x.Shape.Rank == 0 ? x.As([1]) : x;
        if (!x.IsFixed)
        {
            return null;
        }

        long[] found = [.. Enumerable.Range(0, x.Count).Where(i => x.Type == ElementType.Float32 ? x.Reals[i] != 0 : x.Integers[i].Fixed != 0).Select(i => (long)i)];
        long[] strides = Strides(x.Shape);
        return new KnownTensor(ElementType.Int64, [x.Shape.Rank, found.Length], [.. strides.SelectMany((stride, axis) => found.Select(place => (Size)(place / stride % x.Shape[axis])))]);
    }
}
