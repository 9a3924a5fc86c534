using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Independent Gaussian pixels with one standard deviation that is learned by gradient like a weight, from 1.</summary>
/// <remarks>
/// ln sigma = -6 + softplus(s + 6), so that sigma stays above e^-6, smoothly. Rybkin, Daniilidis and Levine 2021, arXiv 2006.13202,
/// section 3.1.
/// </remarks>
public sealed class LearnedGaussianLikelihood : GaussianPixels
{
    private readonly State logSigma = State.Create("likelihood.logSigma", StateRole.Parameter, Tensor.From<float>(Shape.Scalar, 0f));

    /// <summary>Creates the parameter.</summary>
    /// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
    public LearnedGaussianLikelihood(PixelMean pixelMean = PixelMean.Sigmoid)
        : base(pixelMean)
    {
    }

    /// <inheritdoc/>
    public override string Name => "gaussian-learned";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [logSigma];

    /// <inheritdoc/>
    public override Value Sigma => Exp(LogSigma);

    /// <inheritdoc/>
    private protected override Value Variance => Exp(2f * LogSigma);

    private Value LogSigma => Softplus(logSigma.Current - LogSigmaFloor) + LogSigmaFloor;

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => NegativeLogDensity(SquaredError(y, output), Variance, Dimensions(y));
}
