using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The squared error |y - y(z)|^2, summed over pixels: Gaussian pixels with sigma^2 = 1 / (2 lambda).</summary>
/// <remarks>Theis, Shi, Cunningham and Huszar 2017, arXiv 1703.00395, equation 1, with this distortion.</remarks>
/// <param name="lambda">Nats per unit.</param>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public sealed class SquaredError(double lambda, PixelMean pixelMean = PixelMean.Sigmoid) : RateDistortion(lambda, pixelMean)
{
    /// <inheritdoc/>
    public override string Name => "squared-error";

    /// <inheritdoc/>
    public override string MeasureName => "squaredError";

    /// <inheritdoc/>
    public override Value Sigma => (float)Math.Sqrt(1 / (2 * Lambda));

    /// <inheritdoc/>
    public override Value Measure(Value y, Value reconstruction) => SumPerRow(ValueMeasures(y, reconstruction));

    /// <inheritdoc/>
    public override Value ValueMeasures(Value y, Value reconstruction) => Square(y - reconstruction);

    /// <summary>d/2 ln(pi / lambda).</summary>
    public override double LogNormalizer(long dimensions) => 0.5 * dimensions * Math.Log(Math.PI / Lambda);
}
