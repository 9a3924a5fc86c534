using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The squared error |y - y(z)|^2, summed over pixels: Gaussian pixels with sigma^2 = 1 / (2 lambda).</summary>
/// <param name="Lambda">Nats per unit.</param>
public sealed record SquaredError(double Lambda) : RateDistortion(Lambda)
{
    /// <inheritdoc/>
    public override string Name => "squared-error";

    /// <inheritdoc/>
    public override string MeasureName => "squaredError";

    /// <inheritdoc/>
    public override Value Sigma => (float)Math.Sqrt(1 / (2 * Lambda));

    /// <inheritdoc/>
    public override Value Measure(Value y, Value reconstruction) => SumPerRow(Square(y - reconstruction));

    /// <summary>d/2 ln(pi / lambda).</summary>
    public override double LogNormalizer(long dimensions) => 0.5 * dimensions * Math.Log(Math.PI / Lambda);
}
