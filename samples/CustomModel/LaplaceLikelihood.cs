using OnnxVae.Exporters.Graph;
using OnnxVae.Models.Objectives;
using static OnnxVae.Exporters.Graph.Ops;

namespace CustomModel;

/// <summary>Independent Laplace pixels: -ln P(y|z) = sum of |y - y(z)| / b + ln 2b. It forgives outliers more than a Gaussian.</summary>
/// <param name="scale">b, in units of pixel values.</param>
internal sealed class LaplaceLikelihood(float scale) : Likelihood
{
    public override string Name => "laplace";

    public override Value Mean(Value output) => Sigmoid(output);

    public override Value Distortion(Value y, Value output) =>
        SumPerRow((Abs(y - Mean(output)) * (1 / scale)) + MathF.Log(2 * scale)); // [N, C, H, W] -> [N], nats per image
}
