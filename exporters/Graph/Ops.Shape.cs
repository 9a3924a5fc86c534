using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>The same elements in row-major order under another shape.</summary>
    public static Value Reshape(Value x, Shape shape)
    {
        Require(
            x.Shape.ElementCount == shape.ElementCount && x.Shape.HasBatch == shape.HasBatch && shape.Count(d => d < 0) <= 1,
            nameof(Reshape), $"'{x}' cannot take shape {shape}.");
        var sizes = Value.Indices([.. shape.Select(d => Math.Max(d, Shape.Batch))]);
        return x.Shape == shape ? x
            : shape.Contains(0) ? Apply(nameof(Reshape), x.Type, shape, [x, sizes], ("allowzero", 1L)) // 0 means a size of 0, not the old size
            : Apply(nameof(Reshape), x.Type, shape, [x, sizes]);
    }

    /// <summary>A vector of one number per channel, [C], as [C, 1, 1, ...], so that it broadcasts with [N, C, ...].</summary>
    public static Value PerChannel(Value vector, Value x) =>
        x.Shape.Rank <= 2 ? vector : Reshape(vector, [vector.Shape[0], .. Enumerable.Repeat(1L, x.Shape.Rank - 2)]);

    /// <summary>x with a number per channel added; x itself if there is none.</summary>
    internal static Value AddPerChannel(Value x, Value? vector) => vector is null ? x : x + PerChannel(vector, x);

    /// <summary>The axes after batch and channels.</summary>
    internal static int[] SpatialAxes(Value x) => [.. Enumerable.Range(2, Math.Max(0, x.Shape.Rank - 2))];

    /// <summary>Reorders axes: axis i of the result is axis <c>permutation[i]</c> of x.</summary>
    public static Value Transpose(Value x, params ReadOnlySpan<int> permutation)
    {
        var order = permutation.ToArray();
        Require(
            order.Order().SequenceEqual(Enumerable.Range(0, x.Shape.Rank)),
            nameof(Transpose), $"[{string.Join(", ", order)}] is not a permutation of the axes of '{x}'.");
        return Apply(
            nameof(Transpose), x.Type, [.. order.Select(axis => x.Shape[axis])], [x],
            ("perm", order.Select(axis => (long)axis).ToArray()));
    }

    /// <summary>Concatenates values along an axis; the other axes agree. A single value is returned unchanged.</summary>
    public static Value Concat(int axis, params ReadOnlySpan<Value> values)
    {
        var first = values[0];
        axis = first.Shape.Axis(axis);
        long size = 0;
        foreach (var x in values)
        {
            Require(
                x.Type == first.Type && x.Shape.Rank == first.Shape.Rank && x.Shape.With(axis, 0) == first.Shape.With(axis, 0),
                nameof(Concat), $"'{x}' does not fit '{first}' along axis {axis}.");
            Require(x.Shape[axis] >= 0, nameof(Concat), $"axis {axis} of '{x}' is the symbolic batch; give its size to join along it.");
            size += x.Shape[axis];
        }

        return values.Length == 1 ? first : Apply(nameof(Concat), first.Type, first.Shape.With(axis, size), [.. values], ("axis", (long)axis));
    }

    /// <summary>Every <paramref name="step"/>th entry of x from <paramref name="start"/> up to <paramref name="end"/>, exclusive, along one axis.</summary>
    public static Value Slice(Value x, int axis, long start, long end, long step = 1)
    {
        axis = x.Shape.Axis(axis);
        Require(
            start >= 0 && start <= end && end <= x.Shape[axis],
            nameof(Slice), $"{start}..{end} is outside axis {axis} of '{x}'.");
        Require(step >= 1, nameof(Slice), $"the step {step} is not positive.");
        return start == 0 && end == x.Shape[axis] && step == 1 ? x : Apply(
            nameof(Slice), x.Type, x.Shape.With(axis, (end - start + step - 1) / step),
            [x, Value.Indices(start), Value.Indices(end), Value.Indices(axis), Value.Indices(step)]);
    }

    /// <summary>Equal parts of x along an axis.</summary>
    public static IReadOnlyList<Value> Split(Value x, int axis, int parts)
    {
        long size = x.Shape[x.Shape.Axis(axis)];
        Require(parts > 0 && size % parts == 0, nameof(Split), $"axis {axis} of '{x}' does not fall into {parts} equal parts.");
        return [.. Enumerable.Range(0, parts).Select(i => Slice(x, axis, i * (size / parts), (i + 1) * (size / parts)))];
    }

    /// <summary>The two halves of x along an axis.</summary>
    public static (Value First, Value Second) Split2(Value x, int axis)
    {
        var halves = Split(x, axis, 2);
        return (halves[0], halves[1]);
    }

    /// <summary>x padded with a constant before and after it along one axis.</summary>
    public static Value Pad(Value x, int axis, long before, long after, float value = 0f)
    {
        axis = x.Shape.Axis(axis);
        var (first, last) = (new long[x.Shape.Rank], new long[x.Shape.Rank]);
        (first[axis], last[axis]) = (before, after);
        return Pad(x, first, last, value);
    }

    /// <summary>x padded with a constant before and after it along every axis.</summary>
    public static Value Pad(Value x, ReadOnlySpan<long> before, ReadOnlySpan<long> after, float value = 0f)
    {
        Require(
            before.Length == x.Shape.Rank && after.Length == x.Shape.Rank && !before.ContainsAnyInRange(long.MinValue, -1) && !after.ContainsAnyInRange(long.MinValue, -1),
            nameof(Pad), $"'{x}' takes {x.Shape.Rank} paddings before and after, none of them negative.");
        if (!before.ContainsAnyExcept(0L) && !after.ContainsAnyExcept(0L))
        {
            return x;
        }

        var shape = x.Shape;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            long added = before[axis] + after[axis];
            Require(added == 0 || shape[axis] >= 0, nameof(Pad), $"axis {axis} of '{x}' is the symbolic batch; give its size to pad it.");
            shape = added == 0 ? shape : shape.With(axis, shape[axis] + added);
        }

        var pads = Value.Indices([.. before, .. after]);
        return Apply(nameof(Pad), x.Type, shape, x.Type == ElementType.Float32 ? [x, pads, value] : [x, pads], ("mode", "constant"));
    }

    /// <summary>x in reverse along axes.</summary>
    /// <param name="x">Any type.</param>
    /// <param name="axes">The axes; negative ones count from the last.</param>
    public static Value Flip(Value x, params ReadOnlySpan<int> axes)
    {
        foreach (int axis in axes)
        {
            long size = x.Shape[x.Shape.Axis(axis)];
            Require(size >= 0, nameof(Flip), $"axis {axis} of '{x}' is the symbolic batch; give its size to reverse it.");
            x = Gather(x, axis, [.. Enumerable.Range(0, (int)size).Select(i => size - 1 - i)]);
        }

        return x;
    }

    /// <summary>x rolled along an axis; what leaves it at one end comes in at the other.</summary>
    /// <param name="x">Any type.</param>
    /// <param name="axis">The axis; a negative one counts from the last.</param>
    /// <param name="shift">By how many entries; to the front, if negative.</param>
    public static Value Roll(Value x, int axis, long shift)
    {
        long size = x.Shape[x.Shape.Axis(axis)];
        Require(size >= 0, nameof(Roll), $"axis {axis} of '{x}' is the symbolic batch; give its size to move along it.");
        long first = size == 0 ? 0 : ((-shift % size) + size) % size;
        return first == 0 ? x : Concat(axis, Slice(x, axis, first, size), Slice(x, axis, 0, first));
    }

    /// <summary>x repeated along each axis.</summary>
    /// <param name="x">Any type.</param>
    /// <param name="repeats">How many times, one number per axis.</param>
    public static Value Tile(Value x, params ReadOnlySpan<long> repeats)
    {
        Require(repeats.Length == x.Shape.Rank && !repeats.ContainsAnyInRange(long.MinValue, 0), nameof(Tile), $"'{x}' takes {x.Shape.Rank} numbers of repeats, each 1 or more.");
        for (int axis = 0; axis < repeats.Length; axis++)
        {
            Shape shape = [.. x.Shape.Take(axis), repeats[axis], .. x.Shape.Skip(axis)];
            x = repeats[axis] == 1 ? x : Reshape(BroadcastTo(Reshape(x, shape.With(axis, 1)), shape), x.Shape.With(axis, repeats[axis] * x.Shape[axis]));
        }

        return x;
    }

    // Entries beyond an image's edge are copies from inside: for each new entry, which old one it copies.
    internal static Value Pad(Value x, int axis, long before, long after, EdgeRule rule)
    {
        long size = x.Shape[x.Shape.Axis(axis)];
        long most = rule switch
        {
            EdgeRule.Reflect => size - 1,
            EdgeRule.Wrap => size,
            _ => size > 0 ? long.MaxValue : 0,
        };
        if ((before, after) == (0, 0))
        {
            return x;
        }

        Require(size >= 0, nameof(Pad), $"axis {axis} of '{x}' is the symbolic batch; give its size to pad it.");
        Require(
            before >= 0 && after >= 0 && before <= most && after <= most,
            nameof(Pad), $"by the rule {rule} at most {most} entries can be added at each side of axis {axis} of '{x}', not {before} and {after}.");
        return Gather(x, axis, [.. Enumerable.Range(0, (int)(before + size + after)).Select(i => Source(i - before))]);

        long Source(long place) => rule switch
        {
            EdgeRule.Reflect => size - 1 - Math.Abs(size - 1 - Math.Abs(place)),
            EdgeRule.Wrap => (place + size) % size,
            _ => Math.Clamp(place, 0, size - 1),
        };
    }

    /// <summary>The entries of x along an axis at constant positions.</summary>
    /// <inheritdoc cref="Gather(Value, int, Value)"/>
    public static Value Gather(Value x, int axis, params ReadOnlySpan<long> indices) => Gather(x, axis, Value.Indices(indices));

    /// <summary>The entries of x along an axis at given positions.</summary>
    /// <param name="x">Any type.</param>
    /// <param name="axis">The axis that <paramref name="indices"/> address.</param>
    /// <param name="indices">Int64 of any shape; it takes the axis's place in the result.</param>
    public static Value Gather(Value x, int axis, Value indices)
    {
        axis = x.Shape.Axis(axis);
        Require(indices.Type == ElementType.Int64, nameof(Gather), $"the indices '{indices}' must be {ElementType.Int64}.");
        foreach (long index in indices.Constant is { } constant ? constant.As<long>() : [])
        {
            Require(index >= 0 && (index < x.Shape[axis] || x.Shape[axis] < 0), nameof(Gather), $"index {index} is outside axis {axis} of '{x}'.");
        }

        return Apply(
            nameof(Gather), x.Type, [.. x.Shape.Take(axis), .. indices.Shape, .. x.Shape.Skip(axis + 1)], [x, indices], ("axis", (long)axis));
    }

    /// <summary>For each place of the result, the entry of x at the same place except along one axis, where the position is given.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axis">The axis that <paramref name="indices"/> address.</param>
    /// <param name="indices">Int64, of x's rank, and no larger along the other axes; the result has its shape.</param>
    public static Value GatherElements(Value x, int axis, Value indices)
    {
        RequireFloat(nameof(GatherElements), x);
        axis = x.Shape.Axis(axis);
        Require(
            indices.Type == ElementType.Int64 && indices.Shape.Rank == x.Shape.Rank
            && Enumerable.Range(0, x.Shape.Rank).All(i => i == axis || indices.Shape[i] == x.Shape[i] || (indices.Shape[i] >= 0 && indices.Shape[i] <= x.Shape[i])),
            nameof(GatherElements), $"the indices '{indices}' must be {ElementType.Int64}, of the rank of '{x}' and no larger along other axes than {axis}.");
        return Apply(nameof(GatherElements), x.Type, indices.Shape, [x, indices], ("axis", (long)axis));
    }

    /// <summary>The gradient of a gather: adds up the entries that belong to the same position.</summary>
    /// <param name="dy">Float32, shaped like a gather's result.</param>
    /// <param name="axis">The axis that the indices addressed.</param>
    /// <param name="indices">Int64, the gather's indices.</param>
    /// <param name="size">Size of the axis before the gather.</param>
    public static Value ScatterAdd(Value dy, int axis, Value indices, long size)
    {
        RequireFloat(Primitive.ScatterAdd, dy);
        Require(
            dy.Shape.Rank >= axis + indices.Shape.Rank && dy.Shape.Skip(axis).Take(indices.Shape.Rank).SequenceEqual(indices.Shape),
            Primitive.ScatterAdd, $"'{dy}' does not have the shape of the indices '{indices}' from axis {axis} on.");
        return Apply(
            Primitive.ScatterAdd, dy.Type, [.. dy.Shape.Take(axis), size, .. dy.Shape.Skip(axis + indices.Shape.Rank)], [dy, indices],
            ("axis", (long)axis), ("size", size));
    }

    /// <summary>x broadcast to the given shape; x must already have any symbolic dimension.</summary>
    /// <remarks>A product with ones: ONNX Runtime's Expand takes many times as long.</remarks>
    public static Value BroadcastTo(Value x, Shape shape)
    {
        Require(
            x.Shape.BroadcastsTo(shape) && x.Shape.HasBatch == shape.HasBatch,
            nameof(BroadcastTo), $"'{x}' does not broadcast to {shape}.");
        return x.Shape == shape ? x : x.Type != ElementType.Float32 ? RepeatOfAnyType(x, shape) : x * ConstantOfShape([.. shape.Select(d => d < 0 ? 1 : d)], 1f);
    }

    /// <summary>x broadcast to the given shape.</summary>
    /// <param name="x">Any type; without a symbolic batch.</param>
    /// <param name="shape">The shape; one dimension may be <see cref="Shape.Batch"/> or a multiple.</param>
    /// <param name="like">A value that has the symbolic batch, whose size is looked up when the model runs.</param>
    public static Value BroadcastTo(Value x, Shape shape, Value like)
    {
        if (!shape.HasBatch)
        {
            return BroadcastTo(x, shape);
        }

        Require(x.Shape.BroadcastsTo(shape), nameof(BroadcastTo), $"'{x}' does not broadcast to {shape}.");
        return Apply(nameof(Expand), x.Type, shape, [x, SizesAtRunTime([.. shape.Select(d => Math.Max(d, 0))], [.. shape.Select(d => Math.Max(-d, 0))], like)]);
    }

    // With a symbolic batch, by a condition that is always true, which broadcasts.
    private static Value RepeatOfAnyType(Value x, Shape shape)
    {
        if (!shape.HasBatch)
        {
            return Expand(x, shape);
        }

        Shape fixedSizes = [.. shape.Select(d => d < 0 ? 1 : d)];
        var everywhere = Value.Of(new Tensor(ElementType.Bool, fixedSizes, Enumerable.Repeat((byte)1, (int)fixedSizes.ElementCount).ToArray()));
        return x.Type == ElementType.Bool ? And(everywhere, x) : Where(everywhere, x, x);
    }

    // Int64 [length]: fixed + perRow N, with N the size of the batch.
    internal static Value SizesAtRunTime(ReadOnlySpan<long> @fixed, ReadOnlySpan<long> perRow, Value like)
    {
        int axis = like.Shape.ToArray().AsSpan().IndexOf(Shape.Batch);
        Require(axis >= 0, nameof(Shape), $"'{like}' has no symbolic batch.");
        var batch = Apply(nameof(Shape), ElementType.Int64, [1], [like], ("start", (long)axis), ("end", axis + 1L));
        return Value.Indices(@fixed) + (Value.Indices(perRow) * batch);
    }

    /// <summary>A tensor filled with one number; the model file stores only its shape. Float32.</summary>
    public static Value ConstantOfShape(Shape shape, float value)
    {
        Require(!shape.HasBatch, nameof(ConstantOfShape), $"{shape} has a symbolic batch, whose size is not known.");
        return Apply(
            nameof(ConstantOfShape), ElementType.Float32, shape, [Value.Indices(shape.ToArray())], ("value", Tensor.From<float>([1], value)));
    }

    // Data with the updates added at the positions along an axis.
    internal static Value ScatterElements(Value data, Value positions, Value updates, int axis = 0) => Apply(
        nameof(ScatterElements), data.Type, data.Shape, [data, positions, updates], ("axis", (long)axis), ("reduction", "add"));

    internal static Value Expand(Value x, Shape shape) => Apply(nameof(Expand), x.Type, shape, [x, Value.Indices(shape.ToArray())]);
}
