using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// Independent Gaussian pixels with the one standard deviation that fits best, in closed form:
/// sigma*^2 = E |y - y(z)|^2 / d.
/// </summary>
/// <remarks>
/// A training step takes the expectation over its batch. At sigma* the derivative of the mean distortion with respect to sigma is zero, so its gradient
/// is that of a fixed sigma (envelope theorem); for objectives that weight their samples it would not be. Outside training, sigma* is a running average over the batches.
/// Rybkin, Daniilidis and Levine 2021, arXiv 2006.13202, section 3.2; sigma stays at or above e^-6.
/// </remarks>
public sealed class OptimalGaussianLikelihood : GaussianPixels
{
    private const double AveragingDecay = 0.99;
    private static readonly float VarianceFloor = MathF.Exp(2 * LogSigmaFloor);

    private readonly State variance = State.Create("likelihood.variance", StateRole.Statistic, Tensor.From<float>(Shape.Scalar, 1f));

    /// <summary>Creates the running average.</summary>
    /// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
    public OptimalGaussianLikelihood(PixelMean pixelMean = PixelMean.Sigmoid)
        : base(pixelMean)
    {
    }

    /// <inheritdoc/>
    public override string Name => "gaussian-optimal";

    /// <inheritdoc/>
    public override bool IsForOneSample => true;

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [variance];

    /// <inheritdoc/>
    public override Value Sigma => Sqrt(variance.Current);

    /// <inheritdoc/>
    private protected override Value Variance => variance.Current;

    /// <inheritdoc/>
    /// <remarks>sigma* is that of all values of an image.</remarks>
    public override bool IsForWholeImages => true;

    /// <inheritdoc/>
    public override Value Distortion(Value y, Value output) => NegativeLogDensity(SquaredError(y, output), variance.Current, Dimensions(y));

    /// <inheritdoc/>
    public override TrainingDistortion TrainingDistortion(Value y, Value output)
    {
        long d = Dimensions(y);
        var squaredError = SquaredError(y, output);
        var optimal = StopGradient(Max(Ops.Mean(squaredError) * (1f / d), VarianceFloor));

        var weight = ProgramInput.Scheduled("likelihood.averaging", new AveragingSchedule(AveragingDecay));
        var average = variance.Current + (weight.Value * (optimal - variance.Current));
        return new(NegativeLogDensity(squaredError, optimal, d), [weight], [new StateUpdate(variance, average)]);
    }
}
