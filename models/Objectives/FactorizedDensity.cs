using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// P(z) for rounded latents: a learned one-dimensional density for each, a mixture of logistic distributions, summed over the interval that
/// is rounded to a number: P(z) = sum of w_k (F((z + 1/2 - m_k) / s_k) - F((z - 1/2 - m_k) / s_k)), F the logistic function.
/// </summary>
/// <remarks>
/// The rate -ln P(z) is the ideal code length. Balle, Laparra and Simoncelli 2017, arXiv 1611.01704, section 3.1, with the mixture of
/// Salimans et al. 2017, arXiv 1701.05517, for the density.
/// </remarks>
public sealed class FactorizedDensity : Prior
{
    private const int Components = 3;
    private const float Spread = 2f; // distance between the components' initial means
    private const int LargestDraw = 256;

    private readonly State weights;
    private readonly State means;
    private readonly State logScales;

    /// <summary>Creates the parameters.</summary>
    /// <param name="latents">L.</param>
    public FactorizedDensity(int latents)
    {
        weights = Parameter("prior.logWeight", _ => 0f);
        means = Parameter("prior.mean", k => Spread * (k - ((Components - 1) / 2f)));
        logScales = Parameter("prior.logScale", _ => 0f);

        State Parameter(string name, Func<int, float> initial) => State.Create(
            name, StateRole.Parameter,
            Tensor.From<float>([latents, Components], [.. Enumerable.Range(0, latents * Components).Select(i => initial(i % Components))]));
    }

    /// <inheritdoc/>
    public override string Name => "code-density";

    /// <inheritdoc/>
    public override PosteriorKind Posterior => PosteriorKind.Rounded;

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [weights, means, logScales];

    /// <summary>-ln P(z_l) for each latent.</summary>
    public override Value LatentRates(Posterior posterior, Value z) => -LogProbabilities(z);

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => SumPerRow(LogProbabilities(z));

    /// <summary>ln P(z_l), latent by latent.</summary>
    /// <param name="z">Float32 [N, L]; whole numbers, or whole numbers with noise.</param>
    /// <returns>Float32 [N, L].</returns>
    /// <remarks>F(a) - F(b) = F(a) F(-b) (1 - e^(b - a)), so that there is no cancellation.</remarks>
    public override Value LogProbabilities(Value z)
    {
        var centred = Reshape(z, [.. z.Shape, 1]) - means.Current; // [N, L, K]
        var inverseScale = Exp(-logScales.Current);
        var (upper, lower) = ((centred + 0.5f) * inverseScale, (centred - 0.5f) * inverseScale);
        var mass = Log(1f - Exp(-inverseScale)) - Softplus(-upper) - Softplus(lower);
        return LogSumExp(LogWeights + mass, axis: 2);
    }

    /// <summary>The variance of a mixture of logistic distributions, each of which has s^2 pi^2 / 3.</summary>
    public override Value Variances(Func<Value, GaussianPosterior> encode)
    {
        var shares = Exp(LogWeights); // [L, K]
        var mean = ReduceSum(shares * means.Current, [1]);
        return ReduceSum(shares * (((float)(Math.PI * Math.PI / 3) * Exp(2f * logScales.Current)) + Square(means.Current)), [1]) - Square(mean);
    }

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode)
    {
        long latents = means.Spec.Shape[0];
        float[] borders = [.. Enumerable.Range(-LargestDraw, 2 * LargestDraw).Select(z => z + 0.5f)];
        var standardized = (Value.Of<float>([1, borders.Length, 1], borders) - Reshape(means.Current, [latents, 1, Components]))
            * Exp(-Reshape(logScales.Current, [latents, 1, Components]));
        return PriorSampler.OfTable(-LargestDraw, ReduceSum(Sigmoid(standardized) * Exp(Reshape(LogWeights, [latents, 1, Components])), [2]));
    }

    private Value LogWeights => weights.Current - Reshape(LogSumExp(weights.Current, axis: 1), [weights.Spec.Shape[0], 1]);
}
