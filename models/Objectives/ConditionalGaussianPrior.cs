using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z|x) = N(mean(x), diag sigma(x)^2), learned: a network of the model's turns the condition into means and log-variances.</summary>
/// <remarks>Sohn, Lee and Yan 2015, section 4.1.</remarks>
public sealed class ConditionalGaussianPrior : Prior
{
    private readonly GaussianPosterior? given;

    /// <summary>A prior that waits for its condition.</summary>
    public ConditionalGaussianPrior()
    {
    }

    private ConditionalGaussianPrior(GaussianPosterior given) => this.given = given;

    /// <inheritdoc/>
    public override string Name => "conditional";

    /// <inheritdoc/>
    public override bool IsConditional => true;

    /// <inheritdoc/>
    public override Prior Given(GaussianPosterior components) => new ConditionalGaussianPrior(components);

    /// <inheritdoc/>
    public override Value LatentRates(Posterior posterior, Value z) => LearnedGaussianPrior.Divergence(posterior, Components.Mean, Components.LogVar);

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => LearnedGaussianPrior.LogDensity(z, Components.Mean, Components.LogVar);

    /// <inheritdoc/>
    public override Posterior Standardize(Posterior posterior) =>
        new GaussianPosterior((posterior.Mean - Components.Mean) * Exp(-0.5f * Components.LogVar), posterior.LogVar - Components.LogVar);

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode)
    {
        var eps = Value.Input("eps", Components.Mean.Type, [Format.Shape.Batch, Components.Mean.Shape[1]]);
        return new PriorSampler([eps], Components.Sample(eps));
    }

    private GaussianPosterior Components => given ?? throw new InvalidOperationException("The prior P(z|x) has no condition: bind it with Given first.");
}
