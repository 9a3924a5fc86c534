using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>
/// A codebook of moving averages: e_k = m_k / N_k, with N_k the average number of a step's vectors whose nearest code is k, and m_k the
/// average of their sum. Training minimises beta |z - sg(e)|^2, sg without gradient, in the networks alone.
/// </summary>
/// <remarks>
/// van den Oord et al. 2017, arXiv 1711.00937, appendix A.1, with the smoothing of Razavi et al. 2019, arXiv 1906.00446:
/// N_k -> (N_k + eps) / (sum N + K eps) sum N. A code that few vectors choose any more takes the place of a random vector of the batch, as
/// in Dhariwal et al. 2020, arXiv 2005.00341, section 3, each code from a part of the batch of its own, so that no two become equal. All
/// averages are 0 at first: the first step takes its codes from the data.
/// </remarks>
public sealed record MovingAverageCodebook : Codebook
{
    /// <summary>A code is dead when it has less than this share of what it would have if all were equally frequent.</summary>
    public const double DeadShare = 0.03;

    private const float Epsilon = 1e-5f;

    private readonly string level;
    private readonly float commitment;
    private readonly float decay;
    private readonly State counts;
    private readonly State sums;

    /// <summary>Makes a codebook.</summary>
    /// <param name="level">What it is called among the states.</param>
    /// <param name="codes">K.</param>
    /// <param name="dimension">D.</param>
    /// <param name="commitment">beta.</param>
    /// <param name="decay">How much of an average stays at a step.</param>
    public MovingAverageCodebook(string level, int codes, int dimension, double commitment = 0.25, double decay = 0.99)
        : base(level, codes, dimension, StateRole.Statistic, _ => 0f)
    {
        (this.level, this.commitment, this.decay) = (level, (float)commitment, (float)decay);
        counts = State.Create($"{Vectors.Spec.Name}.counts", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [codes]));
        sums = State.Create($"{Vectors.Spec.Name}.sums", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [codes, dimension]));
    }

    /// <inheritdoc/>
    public override string Name => "moving-average";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [.. base.States, counts, sums];

    /// <inheritdoc/>
    public override QuantizedVectors Quantize(Value z)
    {
        var codes = Encode(z);
        var e = Decode(codes);
        var replacements = ProgramInput.Uniform($"replacements.{level}", [Codes]);
        return new QuantizedVectors(codes, StraightThrough(e, z), commitment * MeanSquare(z, e), [replacements], Updates(StopGradient(z), codes, replacements.Value));
    }

    private StateUpdate[] Updates(Value z, Value codes, Value replacements)
    {
        long vectors = codes.Shape.ElementCount;
        var rows = Reshape(Transpose(z, 0, 2, 3, 1), [vectors, Dimension]);
        var chosen = OneHot(Reshape(codes, [vectors]), Codes); // [vectors, K]
        var n = (decay * counts.Current) + ((1 - decay) * ReduceSum(chosen, [0]));
        var m = (decay * sums.Current) + ((1 - decay) * MatMul(Transpose(chosen, 1, 0), rows));

        float fairShare = (float)vectors / Codes;
        var isDead = Greater((float)DeadShare * fairShare, n);
        var drawn = (replacements + Value.Of<float>([Codes], [.. Enumerable.Range(0, Codes).Select(k => (float)k)])) * fairShare;
        var positions = Cast(Min(Floor(drawn), (float)(vectors - 1)), ElementType.Int64);
        n = Where(isDead, fairShare, n);
        m = Where(Reshape(isDead, [Codes, 1]), fairShare * Gather(rows, 0, positions), m);

        var total = Sum(n);
        var smoothed = (n + Epsilon) * (total / (total + (Codes * Epsilon)));
        return [new(counts, n), new(sums, m), new(Vectors, m / Reshape(smoothed, [Codes, 1]))];
    }
}
