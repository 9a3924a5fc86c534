using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// Independent pixels with the continuous Bernoulli density on [0, 1], P(y) = C l^y (1 - l)^(1 - y): the cross-entropy of gray pixels,
/// turned into a density. The decoder's output o holds the logits of l.
/// </summary>
/// <remarks>
/// Loaiza-Ganem and Cunningham 2019, arXiv 1907.06845, equations 4 to 8; with logits, C = o / tanh(o / 2) and the mean is
/// 1 / (1 - e^-o) - 1 / o. Near o = 0, where both are 0/0, their Taylor series take over.
/// </remarks>
public sealed class ContinuousBernoulliLikelihood : Likelihood
{
    // Where the series' next term and the rounding of the closed form are both below 1e-6.
    private const float SeriesBelow = 0.5f;

    /// <inheritdoc/>
    public override string Name => "continuous-bernoulli";

    /// <inheritdoc/>
    public override ValueDomain Domain => ValueDomain.UnitRange;

    /// <inheritdoc/>
    public override Value Mean(Value output)
    {
        var (isSmall, o) = (IsSmall(output), AwayFromZero(output));
        var square = Square(output);
        var series = 0.5f + (output * (1f / 12 + (square * (-1f / 720 + (square * (1f / 30240))))));
        return Where(isSmall, series, (0.5f / Tanh(0.5f * o)) + 0.5f - (1f / o));
    }

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => SumPerRow(ValueDistortions(y, output));

    /// <inheritdoc/>
    public override Value ValueDistortions(Value y, Value output) => Softplus(output) - (output * y) - LogNormalizer(output);

    // ln C = ln(o / tanh(o / 2)).
    private static Value LogNormalizer(Value output)
    {
        var (isSmall, o) = (IsSmall(output), AwayFromZero(output));
        var square = Square(output);
        var series = MathF.Log(2) + (square * (1f / 12 + (square * (-7f / 1440 + (square * (31f / 90720))))));
        return Where(isSmall, series, Log(o / Tanh(0.5f * o)));
    }

    private static Value IsSmall(Value output) => Greater(SeriesBelow, Abs(output));

    // Both functions are only used where the output is large; elsewhere any number but 0 will do.
    private static Value AwayFromZero(Value output) => Where(IsSmall(output), 1f, output);
}
