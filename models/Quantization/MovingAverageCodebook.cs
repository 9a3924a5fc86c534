using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>
/// A codebook of moving averages: e_k = m_k / N_k, with N_k the average number of a step's vectors whose nearest code is k, and m_k the
/// average of their sum. Training minimizes beta |z - sg(e)|^2, sg for stop-gradient, in the networks alone.
/// </summary>
/// <remarks>
/// van den Oord et al. 2017, arXiv 1711.00937, appendix A.1, with the smoothing of Razavi et al. 2019, arXiv 1906.00446:
/// N_k -> (N_k + eps) / (sum N + K eps) sum N.
/// </remarks>
public sealed class MovingAverageCodebook : Codebook
{
    private const float Epsilon = 1e-5f;

    private readonly State sums;

    /// <summary>Creates a codebook.</summary>
    /// <param name="level">Its name among the states.</param>
    /// <param name="codes">K.</param>
    /// <param name="dimension">D.</param>
    /// <param name="commitment">beta.</param>
    /// <param name="decay">The share of an average that is kept at a step.</param>
    public MovingAverageCodebook(string level, int codes, int dimension, double commitment = 0.25, double decay = 0.99)
        : base(level, codes, dimension, commitment, decay, StateRole.Statistic) =>
        sums = State.Create($"{Vectors.Spec.Name}.sums", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [codes, dimension]));

    /// <inheritdoc/>
    public override string Name => "moving-average";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [.. base.States, sums];

    /// <inheritdoc/>
    public override QuantizedVectors Quantize(Value z)
    {
        var codes = Encode(z);
        var e = Decode(codes);
        var choices = Count(z, codes);
        var m = (Decay * sums.Current) + ((1 - Decay) * SumOverParts(MatMul(Transpose(choices.Chosen, 1, 0), choices.Rows)));
        m = Where(choices.IsDead, choices.FairShare * choices.Replacements, m);
        var total = Sum(choices.Counts);
        var smoothed = (choices.Counts + Epsilon) * (total / (total + (Codes * Epsilon)));
        return new QuantizedVectors(codes, StraightThrough(e, z), Commitment * MeanSquare(z, e))
        {
            Inputs = [choices.Random],
            Updates = [new(choices.State, choices.Counts), new(sums, m), new(Vectors, m / Reshape(smoothed, [Codes, 1]))],
        };
    }
}
