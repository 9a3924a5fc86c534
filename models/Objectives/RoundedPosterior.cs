using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>
/// Latents that are rounded to whole numbers. Training adds uniform noise instead, Q(z|y) = U(mean - 1/2, mean + 1/2), so that gradients
/// flow and the rate is that of the rounded latents up to the density's curvature.
/// </summary>
/// <remarks>Balle, Laparra and Simoncelli 2017, arXiv 1611.01704, section 3.1.</remarks>
/// <param name="Mean">Float32 [N, L].</param>
public sealed record RoundedPosterior(Value Mean) : Posterior(Mean)
{
    private static readonly float LogVarianceOfUniform = (float)Math.Log(1.0 / 12);

    /// <summary>ln 1/12: the log-variance of the rounding error.</summary>
    public override Value LogVar => (0f * Mean) + LogVarianceOfUniform;

    /// <inheritdoc/>
    public override ProgramInput Noise(Shape shape) => ProgramInput.Uniform("u", shape);

    /// <inheritdoc/>
    public override Value Sample(Value noise) => Mean + noise - 0.5f;

    /// <inheritdoc/>
    public override Value Code(Value noise) => Round(Mean);

    /// <summary>0: the density is 1 where it is not 0.</summary>
    public override Value LogDensity(Value noise) => SumPerRow(0f * noise);

    /// <inheritdoc/>
    public override Posterior Repeated(int times) => new RoundedPosterior(GaussianPosterior.RepeatRows(Mean, times));
}
