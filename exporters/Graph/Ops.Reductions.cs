using OnnxVae.Format;

namespace OnnxVae.Exporters.Graph;

public static partial class Ops
{
    /// <summary>Sums over axes.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axes">The axes to sum over; negative ones count from the last.</param>
    /// <param name="keepDimensions">Whether reduced axes are kept with size 1 or removed.</param>
    public static Value ReduceSum(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceSum), x, axes, keepDimensions);

    /// <summary>Averages over axes.</summary>
    /// <inheritdoc cref="ReduceSum"/>
    public static Value ReduceMean(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceMean), x, axes, keepDimensions);

    /// <summary>The largest entries over axes.</summary>
    /// <inheritdoc cref="ReduceSum"/>
    public static Value ReduceMax(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceMax), x, axes, keepDimensions);

    /// <summary>Multiplies over axes, by repeated halving: its gradient needs no division, and is correct where entries are zero.</summary>
    /// <inheritdoc cref="ReduceSum"/>
    public static Value ReduceProd(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false)
    {
        RequireFloat(nameof(ReduceProd), x);
        int[] reduced = [.. axes.ToArray().Select(axis => x.Shape.Axis(axis)).Distinct()];
        var shape = x.Shape;
        foreach (int axis in reduced)
        {
            Require(shape[axis] > 0, nameof(ReduceProd), $"axis {axis} of '{x}' is empty, or the symbolic batch; give its size to multiply along it.");
            while (x.Shape[axis] > 1)
            {
                long half = x.Shape[axis] / 2, even = 2 * half;
                var product = Slice(x, axis, 0, half) * Slice(x, axis, half, even);
                x = even == x.Shape[axis] ? product : Concat(axis, product, Slice(x, axis, even, even + 1));
            }
        }

        return keepDimensions ? x : Reshape(x, [.. shape.Where((_, i) => !reduced.Contains(i))]);
    }

    /// <summary>Cumulative sums along an axis.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axis">The axis; a negative one counts from the last.</param>
    /// <param name="exclusive">Whether an entry itself is left out of its sum.</param>
    /// <param name="reverse">Whether sums start at the last entry.</param>
    public static Value CumSum(Value x, int axis, bool exclusive = false, bool reverse = false)
    {
        RequireFloat(nameof(CumSum), x);
        return Apply(
            nameof(CumSum), x.Type, x.Shape, [x, Value.Of<long>(Shape.Scalar, x.Shape.Axis(axis))],
            ("exclusive", exclusive ? 1L : 0L), ("reverse", reverse ? 1L : 0L));
    }

    /// <summary>The largest entries along an axis, and where they are.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="count">How many.</param>
    /// <param name="axis">The axis; a negative one counts from the last.</param>
    /// <param name="largest">Whether to take the largest ones or the smallest.</param>
    /// <returns>Both with <paramref name="count"/> entries along the axis, in order: the numbers, Float32, and their positions, Int64.</returns>
    public static (Value Values, Value Positions) TopK(Value x, long count, int axis, bool largest = true)
    {
        RequireFloat(nameof(TopK), x);
        axis = x.Shape.Axis(axis);
        Require(count >= 0 && count <= x.Shape[axis], nameof(TopK), $"axis {axis} of '{x}' does not have {count} entries.");
        var shape = x.Shape.With(axis, count);
        var outputs = ApplyMany(
            nameof(TopK), [(x.Type, shape), (ElementType.Int64, shape)], [x, Value.Indices(count)],
            ("axis", (long)axis), ("largest", largest ? 1L : 0L), ("sorted", 1L));
        return (outputs[0], outputs[1]);
    }

    /// <summary>Positions of the largest entries along an axis, the first of equal ones. Int64; the axis is removed.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axis">The axis to search; a negative one counts from the last.</param>
    public static Value ArgMax(Value x, int axis)
    {
        RequireFloat(nameof(ArgMax), x);
        axis = x.Shape.Axis(axis);
        return Apply(nameof(ArgMax), ElementType.Int64, [.. x.Shape.Where((_, i) => i != axis)], [x], ("axis", (long)axis), ("keepdims", 0L));
    }

    /// <summary>Sums all elements to a scalar.</summary>
    public static Value Sum(Value x) => ReduceSum(x, [.. Enumerable.Range(0, x.Shape.Rank)]);

    /// <summary>Averages all elements to a scalar.</summary>
    public static Value Mean(Value x)
    {
        Require(!x.Shape.HasBatch, nameof(Mean), $"'{x}' has a symbolic batch, whose size is not known; every dimension must be.");
        return Sum(x) * (1f / x.Shape.ElementCount);
    }

    /// <summary>Sums everything but the first axis: <c>[N, ...]</c> to <c>[N]</c>.</summary>
    public static Value SumPerRow(Value x) => ReduceSum(x, [.. Enumerable.Range(1, x.Shape.Rank - 1)]);

    private static Value Reduce(string operatorType, Value x, ReadOnlySpan<int> axes, bool keepDimensions)
    {
        RequireFloat(operatorType, x);
        var reduced = new SortedSet<int>();
        foreach (int axis in axes)
        {
            reduced.Add(x.Shape.Axis(axis));
        }

        if (reduced.Count == 0)
        {
            return x;
        }

        Shape shape = keepDimensions
            ? [.. x.Shape.Select((d, i) => reduced.Contains(i) ? 1 : d)]
            : [.. x.Shape.Where((_, i) => !reduced.Contains(i))];
        return Apply(
            operatorType, x.Type, shape,
            [x, Value.Indices([.. reduced.Select(axis => (long)axis)])],
            ("keepdims", keepDimensions ? 1L : 0L));
    }
}
