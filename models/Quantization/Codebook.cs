using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Quantization;

/// <summary>
/// A codebook e of vectors, of which the nearest one is chosen: k(z) = argmin |z - e_k|. A code that hardly any vectors choose is replaced
/// by a random vector of the batch; before the first step all codes are unused, so the first step initializes them from the batch.
/// </summary>
/// <remarks>
/// van den Oord, Vinyals and Kavukcuoglu 2017, arXiv 1711.00937, equations 1 to 3; replacement as in Dhariwal et al. 2020, arXiv 2005.00341,
/// section 3, each code from its own part of the batch, so that no two become equal if there are as many vectors as codes.
/// </remarks>
public abstract class Codebook : Quantizer
{
    /// <summary>A code is dead when it has less than this share of what it would have if all were equally frequent.</summary>
    public const double DeadShare = 0.03;

    private readonly string level;
    private readonly State counts;

    private protected Codebook(string level, int codes, int dimension, double commitment, double decay, StateRole role)
    {
        if (codes < 2)
        {
            throw new ArgumentOutOfRangeException(nameof(codes), $"The codebook has {codes} codes; it needs at least 2.");
        }

        (this.level, Codes, Dimension, Commitment, Decay) = (level, codes, dimension, (float)commitment, (float)decay);
        Vectors = State.Create($"codebook.{level}", role, Tensor.Zeros(ElementType.Float32, [codes, dimension]));
        counts = State.Create($"{Vectors.Spec.Name}.counts", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [codes]));
    }

    /// <inheritdoc/>
    public sealed override int Codes { get; }

    /// <inheritdoc/>
    public sealed override int Dimension { get; }

    /// <summary>e, Float32 [K, D].</summary>
    public State Vectors { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [Vectors, counts];

    /// <summary>beta, the weight of the loss that keeps vectors near their codes (commitment loss).</summary>
    private protected float Commitment { get; }

    /// <summary>The share of a moving average that is kept at a step.</summary>
    private protected float Decay { get; }

    /// <inheritdoc/>
    /// <remarks>|z - e|^2 = |z|^2 - 2 (z e - |e|^2 / 2), and |z|^2 is the same for all codes.</remarks>
    public override Value Encode(Value z)
    {
        var e = StopGradient(Vectors.Current);
        return ArgMax(MatMul(StopGradient(Transpose(z, 0, 2, 3, 1)), Transpose(e, 1, 0)) - (0.5f * ReduceSum(Square(e), [1])), axis: 3);
    }

    /// <inheritdoc/>
    public override Value Decode(Value codes) => Transpose(Gather(Vectors.Current, 0, codes), 0, 3, 1, 2);

    /// <summary>A step's choices of codes, and what their moving average says about the codes.</summary>
    /// <param name="z">The vectors, Float32 [N, D, H, W].</param>
    /// <param name="codes">The codes that they chose, Int64 [N, H, W].</param>
    private protected Choices Count(Value z, Value codes)
    {
        long vectors = codes.Shape.ElementCount;
        float fairShare = (float)vectors / Codes; // in a part of the batch
        var rows = Reshape(Transpose(StopGradient(z), 0, 2, 3, 1), [vectors, Dimension]);
        var chosen = OneHot(Reshape(codes, [vectors]), Codes);
        var n = (Decay * counts.Current) + ((1 - Decay) * SumOverParts(ReduceSum(chosen, [0])));

        var random = ProgramInput.Uniform($"replacements.{level}", [Codes], isShared: true);
        var drawn = (random.Value + Value.Of<float>([Codes], [.. Enumerable.Range(0, Codes).Select(k => (float)k)])) * fairShare;
        var replacements = OfFirstPart(Gather(rows, 0, Cast(Min(Floor(drawn), (float)(vectors - 1)), ElementType.Int64)));
        var isDead = Greater(SumOverParts((float)DeadShare * fairShare), n);
        var share = SumOverParts(fairShare);
        return new Choices(rows, chosen, Where(isDead, share, n), Reshape(isDead, [Codes, 1]), replacements, share, random, counts);
    }

    /// <summary>The mean of |a - b|^2 over positions and dimensions.</summary>
    /// <returns>Float32 [N].</returns>
    private protected static Value MeanSquare(Value a, Value b) => SumPerRow(Square(a - b)) * ((float)a.Shape[0] / a.Shape.ElementCount);

    /// <summary>A step's choices of codes.</summary>
    /// <param name="Rows">The vectors, [V, D].</param>
    /// <param name="Chosen">The one-hot code of each, [V, K].</param>
    /// <param name="Counts">N, the average number of a step's vectors whose nearest code is k, after the replacement of dead codes, [K].</param>
    /// <param name="IsDead">Which codes are replaced, Bool [K, 1].</param>
    /// <param name="Replacements">The vector that would replace each code, [K, D].</param>
    /// <param name="FairShare">The count of a code that has just been replaced.</param>
    /// <param name="Random">Chooses the replacements.</param>
    /// <param name="State">Keeps N.</param>
    private protected sealed record Choices(
        Value Rows, Value Chosen, Value Counts, Value IsDead, Value Replacements, Value FairShare, ProgramInput Random, State State);
}
