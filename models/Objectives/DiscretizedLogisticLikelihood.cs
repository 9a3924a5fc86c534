using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// The probabilities of 8-bit pixels: a logistic distribution around the sigmoid of the decoder's output, whose mass is summed over each of
/// the 256 levels; the first and the last level take the tails. One scale s is learned for all pixels.
/// </summary>
/// <remarks>
/// P(y) = F((y - m + 1/510) / s) - F((y - m - 1/510) / s), F the logistic function. Kingma et al. 2016, arXiv 1606.04934, equation 12.
/// With F(a) - F(b) = F(a) F(-b) (1 - e^(b - a)) there is no cancellation. ln s = -7 + softplus(t + 7) keeps s above e^-7, as in Salimans et al.
/// 2017, arXiv 1701.05517.
/// </remarks>
public sealed class DiscretizedLogisticLikelihood : Likelihood
{
    private const float Level = 1f / 255;
    private const float LogScaleFloor = -7f;
    private const float InitialLogScale = -2f;

    private readonly State logScale = State.Create("likelihood.logScale", StateRole.Parameter, Tensor.From<float>(Shape.Scalar, InitialLogScale));

    /// <inheritdoc/>
    public override string Name => "discretized-logistic";

    /// <inheritdoc/>
    public override ValueDomain Domain => ValueDomain.Bytes;

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [logScale];

    /// <summary>The standard deviation of a pixel: s pi / sqrt 3.</summary>
    public override Value Sigma => (MathF.PI / MathF.Sqrt(3)) / InverseScale;

    private Value InverseScale => Exp(-LogScaleFloor - Softplus(logScale.Current - LogScaleFloor));

    /// <inheritdoc/>
    public override Value Mean(Value output) => Sigmoid(output);

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => SumPerRow(ValueDistortions(y, output));

    /// <inheritdoc/>
    public override Value ValueDistortions(Value y, Value output)
    {
        var centred = y - Mean(output);
        var (upper, lower) = ((centred + (Level / 2)) * InverseScale, (centred - (Level / 2)) * InverseScale);
        var (isNotFirst, isNotLast) = (Indicator(Greater(y, Level / 2)), Indicator(Greater(1 - (Level / 2), y)));
        var width = Log(1f - Exp(-Level * InverseScale));
        return (isNotLast * Softplus(-upper)) + (isNotFirst * Softplus(lower)) - (isNotFirst * isNotLast * width);
    }

    private static Value Indicator(Value condition) => Where(condition, 1f, 0f);
}
