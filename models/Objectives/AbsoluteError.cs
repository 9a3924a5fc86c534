using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The absolute error, summed over pixels: Laplace pixels of scale 1 / lambda.</summary>
/// <remarks>Theis, Shi, Cunningham and Huszar 2017, arXiv 1703.00395, equation 1, with this distortion.</remarks>
/// <param name="lambda">Nats per unit.</param>
/// <param name="pixelMean">How y(z) follows from the decoder's output.</param>
public sealed class AbsoluteError(double lambda, PixelMean pixelMean = PixelMean.Sigmoid) : RateDistortion(lambda, pixelMean)
{
    /// <inheritdoc/>
    public override string Name => "absolute-error";

    /// <inheritdoc/>
    public override string MeasureName => "absoluteError";

    /// <inheritdoc/>
    public override Value Measure(Value y, Value reconstruction) => SumPerRow(ValueMeasures(y, reconstruction));

    /// <inheritdoc/>
    public override Value ValueMeasures(Value y, Value reconstruction) => Abs(y - reconstruction);

    /// <summary>d ln(2 / lambda).</summary>
    public override double LogNormalizer(long dimensions) => dimensions * Math.Log(2 / Lambda);
}
