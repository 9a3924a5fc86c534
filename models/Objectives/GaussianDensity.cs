using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The density of independent Gaussian pixels with a shared variance.</summary>
internal static class GaussianDensity
{
    /// <summary>-ln N(y; y(z), sigma^2 I) = d/2 ln(2 pi sigma^2) + |y - y(z)|^2 / (2 sigma^2).</summary>
    /// <param name="squaredError">|y - y(z)|^2, Float32 [N].</param>
    /// <param name="variance">sigma^2, Float32 scalar.</param>
    /// <param name="dimensions">d.</param>
    /// <returns>Float32 [N], nats per image.</returns>
    public static Value NegativeLogarithm(Value squaredError, Value variance, long dimensions) =>
        (0.5f * dimensions * Log(2 * MathF.PI * variance)) + (squaredError / (2f * variance));
}
