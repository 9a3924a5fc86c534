using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Q(z|y) = N(mean(y), diag exp logVar(y)), the encoder's answer, against the prior P(z) = N(0, I).</summary>
/// <remarks>Kingma and Welling 2014, arXiv 1312.6114, sections 2.4 and 3, appendix B.</remarks>
/// <param name="Mean">Float32 [N, L].</param>
/// <param name="LogVar">Float32 [N, L], natural logarithms of variances.</param>
public sealed record GaussianPosterior(Value Mean, Value LogVar)
{
    /// <summary>Reads an encoder's output.</summary>
    /// <param name="output">Float32 [N, 2 L]: means, then log-variances.</param>
    public static GaussianPosterior From(Value output)
    {
        var (mean, logVar) = Split2(output, axis: 1);
        return new GaussianPosterior(mean, logVar);
    }

    /// <summary>A sample by reparameterization: z = mean + sigma * eps.</summary>
    /// <param name="eps">Standard-normal numbers, Float32 [N, L].</param>
    public Value Sample(Value eps) => Mean + (Exp(0.5f * LogVar) * eps);

    /// <summary>The rate KL(Q(z|y) || N(0, I)) = 1/2 sum of mean^2 + sigma^2 - 1 - ln sigma^2.</summary>
    /// <returns>Float32 [N], nats per image.</returns>
    public Value Rate() => SumPerRow(0.5f * (Square(Mean) + Exp(LogVar) - 1f - LogVar));

    /// <summary>ln P(z) - ln Q(z|y) at a sample z(eps) = 1/2 sum of eps^2 + ln sigma^2 - z^2; its expectation is minus the rate.</summary>
    /// <returns>Float32 [N], nats per image.</returns>
    public Value LogPriorRatio(Value eps) => SumPerRow(0.5f * (Square(eps) + LogVar - Square(Sample(eps))));
}
