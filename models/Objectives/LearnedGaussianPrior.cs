using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z) = N(mu, diag sigma^2) with mean and log-variance learned like weights, from 0.</summary>
/// <remarks>
/// A decoder whose first layer is affine can absorb both, so the optimum is that of N(0, I): the indeterminacy of the VAE, which this
/// prior shows from the other end.
/// </remarks>
public sealed class LearnedGaussianPrior : Prior
{
    private readonly State mean;
    private readonly State logVar;

    /// <summary>Creates the parameters.</summary>
    /// <param name="latents">L.</param>
    public LearnedGaussianPrior(int latents) =>
        (mean, logVar) = (Parameter("prior.mean", latents), Parameter("prior.logVar", latents));

    /// <inheritdoc/>
    public override string Name => "gaussian";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [mean, logVar];

    /// <summary>1/2 ((mean - mu_p)^2 / sigma_p^2 + sigma^2 / sigma_p^2 - 1 - ln sigma^2 / sigma_p^2).</summary>
    public override Value LatentRates(Posterior posterior, Value z) => Divergence(posterior, mean.Current, logVar.Current);

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => LogDensity(z, mean.Current, logVar.Current);

    /// <inheritdoc/>
    public override Value Variances(Func<Value, GaussianPosterior> encode) => Exp(logVar.Current);

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode) => PriorSampler.OfComponents(
        new GaussianPosterior(Reshape(mean.Current, [1, mean.Spec.Shape[0]]), Reshape(logVar.Current, [1, mean.Spec.Shape[0]])));

    /// <summary>KL(Q(z_l|y) || N(mean, exp logVar)) latent by latent, Float32 [N, L].</summary>
    internal static Value Divergence(Posterior posterior, Value mean, Value logVar)
    {
        var logRatio = posterior.LogVar - logVar;
        return 0.5f * ((Square(posterior.Mean - mean) * Exp(-logVar)) + Exp(logRatio) - 1f - logRatio);
    }

    /// <summary>ln N(z; mean, diag exp logVar), Float32 [N].</summary>
    internal static Value LogDensity(Value z, Value mean, Value logVar) =>
        SumPerRow((-0.5f * ((Square(z - mean) * Exp(-logVar)) + logVar)) - GaussianPosterior.HalfLogTwoPi);

    private static State Parameter(string name, int latents) => State.Create(name, StateRole.Parameter, Tensor.Zeros(ElementType.Float32, [latents]));
}
