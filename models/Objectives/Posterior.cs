using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Models.Objectives;

/// <summary>The families of approximate posteriors.</summary>
public enum PosteriorKind
{
    /// <summary>Gaussians with mean and variance from the encoder.</summary>
    Gaussian,

    /// <summary>Whole numbers: in training a uniform distribution of width 1 around the encoder's mean, else the mean rounded.</summary>
    Rounded,
}

/// <summary>Q(z|y): what the encoder says about the latents of an image.</summary>
/// <param name="Mean">Float32 [N, L].</param>
public abstract record Posterior(Value Mean)
{
    /// <summary>Natural logarithms of variances, Float32 [N, L].</summary>
    public abstract Value LogVar { get; }

    /// <summary>Numbers that the encoder outputs for each latent.</summary>
    public static int ParametersPerLatent(PosteriorKind kind) => kind == PosteriorKind.Gaussian ? 2 : 1;

    /// <summary>The random numbers that a sample needs.</summary>
    /// <param name="shape">[N, L].</param>
    public abstract ProgramInput Noise(Shape shape);

    /// <summary>A sample that gradients flow through.</summary>
    /// <param name="noise">The numbers of <see cref="Noise"/>.</param>
    public abstract Value Sample(Value noise);

    /// <summary>What is decoded outside training.</summary>
    /// <param name="noise">The numbers of <see cref="Noise"/>.</param>
    public virtual Value Code(Value noise) => Sample(noise);

    /// <summary>ln Q(z|y) at the sample of the noise.</summary>
    /// <returns>Float32 [N], nats per image.</returns>
    public abstract Value LogDensity(Value noise);

    /// <summary>The same posteriors several times, one copy after the other.</summary>
    /// <param name="times">K.</param>
    /// <returns>Posteriors of Float32 [K N, L].</returns>
    public abstract Posterior Repeated(int times);

    /// <summary>Reads an encoder's output.</summary>
    /// <param name="kind">The family.</param>
    /// <param name="output">Float32 [N, 2 L]: means, then log-variances; or means alone, [N, L].</param>
    public static Posterior From(PosteriorKind kind, Value output) =>
        kind == PosteriorKind.Gaussian ? GaussianPosterior.From(output) : new RoundedPosterior(output);
}
