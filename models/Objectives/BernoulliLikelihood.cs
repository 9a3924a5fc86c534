using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Independent Bernoulli pixels; the decoder's output l holds logits. Gray pixels count as probabilities (cross-entropy).</summary>
/// <remarks>-ln P(y|z) = sum of softplus(l) - l y. Kingma and Welling 2014, arXiv 1312.6114, appendix C.1.</remarks>
public sealed class BernoulliLikelihood : Likelihood
{
    /// <inheritdoc/>
    public override string Name => "bernoulli";

    /// <inheritdoc/>
    public override ValueDomain Domain => ValueDomain.UnitRange;

    /// <inheritdoc/>
    public override Value Mean(Value output) => Sigmoid(output);

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => SumPerRow(ValueDistortions(y, output));

    /// <inheritdoc/>
    public override Value ValueDistortions(Value y, Value output) => Softplus(output) - (output * y);
}
