namespace OnnxVae.Exporters.Onnx;

public static partial class Ops
{
    /// <summary>Sums over axes.</summary>
    /// <param name="x">Float32.</param>
    /// <param name="axes">The axes to sum over; negative ones count from the last.</param>
    /// <param name="keepDimensions">Whether summed axes stay with size 1 or go.</param>
    public static Value ReduceSum(Value x, ReadOnlySpan<int> axes, bool keepDimensions = false)
    {
        RequireFloat(nameof(ReduceSum), x);
        var summed = new SortedSet<int>();
        foreach (int axis in axes)
        {
            summed.Add(x.Shape.Axis(axis));
        }

        if (summed.Count == 0)
        {
            return x;
        }

        Shape shape = keepDimensions
            ? [.. x.Shape.Select((d, i) => summed.Contains(i) ? 1 : d)]
            : [.. x.Shape.Where((_, i) => !summed.Contains(i))];
        return Apply(
            nameof(ReduceSum), x.Type, shape,
            [x, Value.Indices([.. summed.Select(axis => (long)axis)])],
            ("keepdims", keepDimensions ? 1L : 0L));
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
}
