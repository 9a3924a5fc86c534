namespace OnnxVae.Exporters.Onnx;

public static partial class Ops
{
    /// <summary>Sums over axes.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axes">The axes to sum over; negative ones count from the last.</param>
    /// <param name="keepDimensions">Whether summed axes stay with size 1 or go.</param>
    public static Value ReduceSum(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceSum), x, axes, keepDimensions);

    /// <summary>Averages over axes.</summary>
    /// <inheritdoc cref="ReduceSum"/>
    public static Value ReduceMean(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceMean), x, axes, keepDimensions);

    /// <summary>The largest entries over axes.</summary>
    /// <inheritdoc cref="ReduceSum"/>
    public static Value ReduceMax(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false) => Reduce(nameof(ReduceMax), x, axes, keepDimensions);

    /// <summary>Positions of the largest entries along an axis, the first one of equal ones. Int64; the axis goes.</summary>
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
