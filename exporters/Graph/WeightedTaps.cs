using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Graph;

/// <summary>A linear map along one axis in which every result has few terms: an interpolation, an average over windows.</summary>
/// <param name="Input">Entries that the axis has.</param>
/// <param name="Taps">For each result its terms: entries with their weights; an entry may occur twice.</param>
internal sealed record WeightedTaps(long Input, IReadOnlyList<IReadOnlyList<(long Entry, double Weight)>> Taps)
{
    // A product with a matrix is fastest as long as the matrix is small.
    private const long LargestMatrix = 1 << 22;

    private bool IsSmall => Taps.Count * Input <= LargestMatrix;

    private int Most => Taps.Max(terms => terms.Count);

    /// <summary>y[..., i, ...] = sum of weight x[..., entry, ...] over the terms of i.</summary>
    public Value Apply(Value x, int axis) => IsSmall
        ? MatMulAlong(Matrix(), x, axis)
        : ReduceSum(Gather(x, axis, Entries()) * Weights(x.Shape.Rank - axis - 1), [axis + 1]);

    /// <summary>The gradient: the transposed map.</summary>
    public Value ApplyTransposed(Value dy, int axis) => IsSmall
        ? MatMulAlong(Transpose(Matrix(), 1, 0), dy, axis)
        : ScatterAdd(
            Reshape(dy, [.. dy.Shape.Take(axis + 1), 1, .. dy.Shape.Skip(axis + 1)]) * Weights(dy.Shape.Rank - axis - 1), axis, Entries(), Input);

    // [results, entries]
    private Value Matrix()
    {
        var matrix = new float[Taps.Count * Input];
        for (int i = 0; i < Taps.Count; i++)
        {
            foreach (var (entry, weight) in Taps[i])
            {
                matrix[(i * Input) + entry] += (float)weight;
            }
        }

        return Value.Of<float>([Taps.Count, Input], matrix);
    }

    // [results, terms]; results with fewer terms take entry 0 with weight 0.
    private Value Entries() => Value.Of<long>([Taps.Count, Most], [.. Taps.SelectMany(terms => Filled(terms).Select(term => term.Entry))]);

    private Value Weights(int axesAfter) =>
        Value.Of<float>([Taps.Count, Most, .. Enumerable.Repeat(1L, axesAfter)], [.. Taps.SelectMany(terms => Filled(terms).Select(term => (float)term.Weight))]);

    private IEnumerable<(long Entry, double Weight)> Filled(IReadOnlyList<(long Entry, double Weight)> terms) =>
        terms.Concat(Enumerable.Repeat((0L, 0.0), Most - terms.Count));
}
