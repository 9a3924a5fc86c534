using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>Q(z|y) = N(mean(y), diag exp logVar(y)), the encoder's output.</summary>
/// <remarks>Kingma and Welling 2014, arXiv 1312.6114, sections 2.4 and 3.</remarks>
/// <param name="Mean">Float32 [N, L].</param>
/// <param name="LogVar">Float32 [N, L], natural logarithms of variances.</param>
public sealed record GaussianPosterior(Value Mean, Value LogVar) : Posterior(Mean)
{
    /// <inheritdoc/>
    public override Value LogVar { get; } = LogVar;

    /// <summary>1/2 ln(2 pi), the constant of a Gaussian density, per latent.</summary>
    internal static readonly float HalfLogTwoPi = (float)(0.5 * Math.Log(2 * Math.PI));

    /// <summary>The smallest log-variance, as in latent diffusion (Rombach et al. 2022, arXiv 2112.10752): the inverse of the variance stays far from overflow.</summary>
    public const float LowestLogVar = -30;

    /// <summary>The largest log-variance: the variance stays far from overflow.</summary>
    public const float HighestLogVar = 20;

    /// <summary>Reads an encoder's output. Log-variances are bounded, here and wherever they are used: in samples, densities, the KL divergence, exported files.</summary>
    /// <param name="output">Float32 [N, 2 L]: means, then log-variances.</param>
    public static GaussianPosterior From(Value output)
    {
        var (mean, logVar) = Split2(output, axis: 1);
        return new GaussianPosterior(mean, Clip(logVar, LowestLogVar, HighestLogVar));
    }

    /// <inheritdoc/>
    public override ProgramInput Noise(Shape shape) => ProgramInput.StandardNormal("eps", shape);

    /// <summary>A sample by reparameterization: z = mean + sigma * eps.</summary>
    public override Value Sample(Value noise) => Mean + (Exp(0.5f * LogVar) * noise);

    /// <inheritdoc/>
    public override Value LogDensity(Value noise) => SumPerRow((-0.5f * (Square(noise) + LogVar)) - HalfLogTwoPi);

    /// <inheritdoc/>
    public override Posterior Repeated(int times) => new GaussianPosterior(RepeatRows(Mean, times), RepeatRows(LogVar, times));

    /// <summary>A batch several times, one copy after the other: [N, ...] to [K N, ...].</summary>
    internal static Value RepeatRows(Value x, int times) =>
        times == 1 ? x : Reshape(BroadcastTo(Reshape(x, [1, .. x.Shape]), [times, .. x.Shape]), x.Shape.With(0, times * x.Shape[0]));
}
