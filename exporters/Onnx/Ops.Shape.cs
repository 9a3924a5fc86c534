namespace OnnxVae.Exporters.Onnx;

public static partial class Ops
{
    /// <summary>The same elements in row-major order under another shape.</summary>
    public static Value Reshape(Value x, Shape shape)
    {
        Require(
            x.Shape.ElementCount == shape.ElementCount && x.Shape.HasBatch == shape.HasBatch,
            nameof(Reshape), $"'{x}' cannot take shape {shape}.");
        return x.Shape == shape ? x : Apply(nameof(Reshape), x.Type, shape, [x, Value.Indices(shape.ToArray())]);
    }

    /// <summary>Reorders axes: axis i of the result is axis <c>permutation[i]</c> of x.</summary>
    public static Value Transpose(Value x, params ReadOnlySpan<int> permutation)
    {
        var order = permutation.ToArray();
        Require(
            order.Order().SequenceEqual(Enumerable.Range(0, x.Shape.Rank)),
            nameof(Transpose), $"[{string.Join(", ", order)}] is no permutation of the axes of '{x}'.");
        return Apply(
            nameof(Transpose), x.Type, [.. order.Select(axis => x.Shape[axis])], [x],
            ("perm", order.Select(axis => (long)axis).ToArray()));
    }

    /// <summary>Joins values along an axis; the other axes agree.</summary>
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
            size += x.Shape[axis];
        }

        return Apply(nameof(Concat), first.Type, first.Shape.With(axis, size), [.. values], ("axis", (long)axis));
    }

    /// <summary>The part of x from <paramref name="start"/> up to <paramref name="end"/>, exclusive, along one axis.</summary>
    public static Value Slice(Value x, int axis, long start, long end)
    {
        axis = x.Shape.Axis(axis);
        Require(
            start >= 0 && start < end && end <= x.Shape[axis],
            nameof(Slice), $"{start}..{end} is outside axis {axis} of '{x}'.");
        return start == 0 && end == x.Shape[axis] ? x : Apply(
            nameof(Slice), x.Type, x.Shape.With(axis, end - start),
            [x, Value.Indices(start), Value.Indices(end), Value.Indices(axis)]);
    }

    /// <summary>The two halves of x along an axis.</summary>
    public static (Value First, Value Second) Split2(Value x, int axis)
    {
        long size = x.Shape[x.Shape.Axis(axis)];
        Require(size % 2 == 0, nameof(Split2), $"axis {axis} of '{x}' has an odd size.");
        return (Slice(x, axis, 0, size / 2), Slice(x, axis, size / 2, size));
    }

    /// <summary>Zeros before and after x along one axis.</summary>
    public static Value Pad(Value x, int axis, long before, long after)
    {
        axis = x.Shape.Axis(axis);
        Require(before >= 0 && after >= 0, nameof(Pad), $"padding ({before}, {after}) of '{x}' is negative.");
        var pads = new long[2 * x.Shape.Rank];
        (pads[axis], pads[axis + x.Shape.Rank]) = (before, after);
        return before == 0 && after == 0 ? x : Apply(
            nameof(Pad), x.Type, x.Shape.With(axis, before + x.Shape[axis] + after), [x, Value.Indices(pads)],
            ("mode", "constant"));
    }

    /// <summary>The entries of x along an axis at constant positions.</summary>
    /// <param name="x">Any type.</param>
    /// <param name="axis">The axis that <paramref name="indices"/> address.</param>
    /// <param name="indices">Positions along the axis; the axis of the result has as many entries.</param>
    public static Value Gather(Value x, int axis, params ReadOnlySpan<long> indices)
    {
        axis = x.Shape.Axis(axis);
        foreach (long index in indices)
        {
            Require(index >= 0 && index < x.Shape[axis], nameof(Gather), $"index {index} is outside axis {axis} of '{x}'.");
        }

        return Apply(nameof(Gather), x.Type, x.Shape.With(axis, indices.Length), [x, Value.Indices(indices)], ("axis", (long)axis));
    }

    /// <summary>x repeated along its axes of size 1 until it has the given shape; every dimension must be known.</summary>
    /// <remarks>A product with ones: ONNX Runtime's Expand takes many times as long.</remarks>
    public static Value BroadcastTo(Value x, Shape shape)
    {
        Require(
            x.Shape.BroadcastsTo(shape) && !shape.HasBatch,
            nameof(BroadcastTo), $"'{x}' does not broadcast to {shape}.");
        return x.Shape == shape ? x : x * ConstantOfShape(shape, 1f);
    }

    /// <summary>A tensor with one number everywhere, of which the model file stores the shape only. Float32.</summary>
    public static Value ConstantOfShape(Shape shape, float value) => Apply(
        nameof(ConstantOfShape), ElementType.Float32, shape, [Value.Indices(shape.ToArray())], ("value", Tensor.From<float>([1], value)));
}
