using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>
/// Finite scalar quantization: every number of a vector is bounded and rounded to one of a few levels, so that the codes are the points of
/// a grid. Nothing is learned, and no code dies.
/// </summary>
/// <remarks>
/// Mentzer, Minnen, Agustsson and Tschannen 2024, arXiv 2309.15505, listing in appendix A: with L levels, h = (L - 1)(1 + eps) / 2 and
/// o = 1/2 for an even L, round(h tanh(z + artanh(o / h)) - o), divided by floor(L / 2). The listing has tan instead of artanh, with which z = 0
/// is not quite 0.
/// </remarks>
public sealed class FiniteScalarQuantizer : Quantizer
{
    private const double Margin = 1e-3; // eps
    private const int MostCodes = 1 << 16;

    private readonly int[] levels;
    private readonly long[] strides;

    /// <summary>Takes the levels of each dimension.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are none, one of them is below 2, or there are more than 65,536 codes.</exception>
    public FiniteScalarQuantizer(params IReadOnlyList<int> levels)
    {
        if (levels.Count == 0 || levels.Any(level => level < 2))
        {
            throw new ArgumentOutOfRangeException(nameof(levels), $"The levels are [{string.Join(", ", levels)}]; expected one or more numbers from 2.");
        }

        this.levels = [.. levels];
        strides = new long[levels.Count];
        long codes = 1;
        for (int i = 0; i < levels.Count; i++)
        {
            strides[i] = codes;
            codes *= levels[i];
            if (codes > MostCodes)
            {
                throw new ArgumentOutOfRangeException(nameof(levels), $"The levels [{string.Join(", ", levels)}] have more than {MostCodes} points: give fewer, or smaller ones.");
            }
        }

        Codes = (int)codes;
    }

    /// <inheritdoc/>
    public override string Name => "finite-scalar";

    /// <inheritdoc/>
    public override int Codes { get; }

    /// <inheritdoc/>
    public override int Dimension => levels.Length;

    /// <inheritdoc/>
    public override Value Encode(Value z)
    {
        var digits = StopGradient(Round(Bound(z))) + PerDimension(i => levels[i] / 2); // from 0 to L - 1
        return Cast(ReduceSum(digits * PerDimension(i => strides[i]), [1]), ElementType.Int64);
    }

    /// <inheritdoc/>
    public override Value Decode(Value codes)
    {
        float[] points = [.. Enumerable.Range(0, Codes).SelectMany(code => levels.Select((level, i) =>
            ((code / strides[i] % level) - (level / 2)) / (float)(level / 2)))];
        return Transpose(Gather(Value.Of<float>([Codes, Dimension], points), 0, codes), 0, 3, 1, 2);
    }

    /// <inheritdoc/>
    public override QuantizedVectors Quantize(Value z)
    {
        var bounded = Bound(z);
        var vectors = StraightThrough(Round(bounded), bounded) * PerDimension(i => 1f / (levels[i] / 2));
        return new QuantizedVectors(Encode(z), vectors, 0f * SumPerRow(StopGradient(z)));
    }

    private Value Bound(Value z)
    {
        double Half(int i) => (levels[i] - 1) * (1 + Margin) / 2;
        double Offset(int i) => levels[i] % 2 == 0 ? 0.5 : 0;
        return (Tanh(z + PerDimension(i => Math.Atanh(Offset(i) / Half(i)))) * PerDimension(Half)) - PerDimension(Offset);
    }

    // [D, 1, 1]
    private Value PerDimension(Func<int, double> number) =>
        Value.Of<float>([Dimension, 1, 1], [.. Enumerable.Range(0, Dimension).Select(i => (float)number(i))]);
}
