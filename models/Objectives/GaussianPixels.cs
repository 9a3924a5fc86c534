using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Independent Gaussian pixels that share one standard deviation sigma.</summary>
/// <remarks>-ln P(y|z) = d/2 ln(2 pi sigma^2) + |y - y(z)|^2 / (2 sigma^2).</remarks>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public abstract class GaussianPixels(PixelMean pixelMean) : MeanPixels(pixelMean)
{
    // Rybkin, Daniilidis and Levine 2021, arXiv 2006.13202, appendix.
    internal const float LogSigmaFloor = -6f;

    /// <summary>sigma^2, Float32 scalar.</summary>
    private protected abstract Value Variance { get; }

    /// <inheritdoc/>
    public override Value? ValueDistortions(Value y, Value output) => (0.5f * Log(2 * MathF.PI * Variance)) + (Square(y - Mean(output)) / (2f * Variance));

    /// <summary>|y - y(z)|^2.</summary>
    /// <returns>Float32 [N].</returns>
    private protected Value SquaredError(Value y, Value output) => SumPerRow(Square(y - Mean(output)));

    /// <summary>d/2 ln(2 pi sigma^2) + |y - y(z)|^2 / (2 sigma^2).</summary>
    /// <param name="squaredError">|y - y(z)|^2, Float32 [N].</param>
    /// <param name="variance">sigma^2, Float32 scalar.</param>
    /// <param name="dimensions">d.</param>
    /// <returns>Float32 [N], nats per image.</returns>
    private protected static Value NegativeLogDensity(Value squaredError, Value variance, long dimensions) =>
        (0.5f * dimensions * Log(2 * MathF.PI * variance)) + (squaredError / (2f * variance));
}
