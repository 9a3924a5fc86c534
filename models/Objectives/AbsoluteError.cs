using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The absolute error, summed over pixels: Laplace pixels of scale 1 / lambda.</summary>
/// <param name="Lambda">Nats per unit.</param>
public sealed record AbsoluteError(double Lambda) : RateDistortion(Lambda)
{
    /// <inheritdoc/>
    public override string Name => "absolute-error";

    /// <inheritdoc/>
    public override string MeasureName => "absoluteError";

    /// <inheritdoc/>
    public override Value Measure(Value y, Value reconstruction) => SumPerRow(Abs(y - reconstruction));

    /// <summary>d ln(2 / lambda).</summary>
    public override double LogNormalizer(long dimensions) => dimensions * Math.Log(2 / Lambda);
}
