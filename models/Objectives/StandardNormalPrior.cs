using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z) = N(0, I).</summary>
public sealed class StandardNormalPrior : Prior
{
    /// <inheritdoc/>
    public override string Name => MetadataKeys.StandardNormal;

    /// <summary>1/2 (mean^2 + sigma^2 - 1 - ln sigma^2). Kingma and Welling 2014, arXiv 1312.6114, appendix B.</summary>
    public override Value LatentRates(Posterior posterior, Value z) =>
        0.5f * (Square(posterior.Mean) + Exp(posterior.LogVar) - 1f - posterior.LogVar);

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => SumPerRow((-0.5f * Square(z)) - GaussianPosterior.HalfLogTwoPi);
}
