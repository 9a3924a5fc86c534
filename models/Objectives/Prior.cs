using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z): where latents are expected to be.</summary>
public abstract record Prior
{
    /// <summary>The name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>The posteriors that it is a prior for.</summary>
    public virtual PosteriorKind Posterior => PosteriorKind.Gaussian;

    /// <summary>Parameters of the prior; none, usually.</summary>
    public virtual IReadOnlyList<State> States => [];

    /// <summary>The rate latent by latent, where it falls apart into latents: KL(Q(z|y) || P(z)) in closed form, or the length of a code.</summary>
    /// <param name="posterior">Q(z|y).</param>
    /// <param name="z">A sample of it, Float32 [N, L].</param>
    /// <returns>Float32 [N, L], nats; null where it does not.</returns>
    public virtual Value? LatentRates(Posterior posterior, Value z) => null;

    /// <summary>ln P(z).</summary>
    /// <param name="z">Latents, Float32 [N, L].</param>
    /// <param name="encode">The encoder, from images, Float32 [K, C, H, W], to posteriors.</param>
    /// <returns>Float32 [N], nats per image.</returns>
    public abstract Value LogDensity(Value z, Func<Value, GaussianPosterior> encode);

    /// <summary>Makes draws of noise; null for N(0, I), where noise is a draw.</summary>
    /// <param name="encode">The encoder, as above.</param>
    public virtual PriorSampler? Sampler(Func<Value, GaussianPosterior> encode) => null;
}

/// <summary>P(z) = N(0, I).</summary>
public sealed record StandardNormalPrior : Prior
{
    /// <inheritdoc/>
    public override string Name => "standard-normal";

    /// <summary>1/2 (mean^2 + sigma^2 - 1 - ln sigma^2). Kingma and Welling 2014, arXiv 1312.6114, appendix B.</summary>
    public override Value LatentRates(Posterior posterior, Value z) =>
        0.5f * (Square(posterior.Mean) + Exp(posterior.LogVar) - 1f - posterior.LogVar);

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => SumPerRow((-0.5f * Square(z)) - GaussianPosterior.HalfLogTwoPi);
}

/// <summary>P(z) = N(mu, diag sigma^2) with mean and log-variance learned like weights, from 0.</summary>
/// <remarks>
/// A decoder whose first layer is affine can absorb both, so the optimum is that of N(0, I): the indeterminacy of the VAE, of which this
/// prior shows the other end.
/// </remarks>
public sealed record LearnedGaussianPrior : Prior
{
    private readonly State mean;
    private readonly State logVar;

    /// <summary>Makes the parameters.</summary>
    /// <param name="latents">L.</param>
    public LearnedGaussianPrior(int latents) =>
        (mean, logVar) = (Parameter("prior.mean", latents), Parameter("prior.logVar", latents));

    /// <inheritdoc/>
    public override string Name => "gaussian";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [mean, logVar];

    /// <summary>1/2 ((mean - mu_p)^2 / sigma_p^2 + sigma^2 / sigma_p^2 - 1 - ln sigma^2 / sigma_p^2).</summary>
    public override Value LatentRates(Posterior posterior, Value z)
    {
        var logRatio = posterior.LogVar - logVar.Current;
        return 0.5f * ((Square(posterior.Mean - mean.Current) * Exp(-logVar.Current)) + Exp(logRatio) - 1f - logRatio);
    }

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode) => SumPerRow(
        (-0.5f * ((Square(z - mean.Current) * Exp(-logVar.Current)) + logVar.Current)) - GaussianPosterior.HalfLogTwoPi);

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode) => PriorSampler.OfComponents(
        new GaussianPosterior(Reshape(mean.Current, [1, mean.Spec.Shape[0]]), Reshape(logVar.Current, [1, mean.Spec.Shape[0]])));

    private static State Parameter(string name, int latents) => State.Create(name, StateRole.Parameter, Tensor.Zeros(ElementType.Float32, [latents]));
}

/// <summary>P(z) = 1/K sum of Q(z|u_k): the posteriors of K pseudo-images u_k, which are learned like weights.</summary>
/// <remarks>
/// VampPrior: Tomczak and Welling 2018, arXiv 1705.07120, equation 9. Pixels are kept in [0, 1] by hardtanh, as there. The rate has no closed
/// form; one sample estimates it.
/// </remarks>
public sealed record VampPrior : Prior
{
    private readonly State pseudoImages;

    /// <summary>Draws the pseudo-images' first pixels.</summary>
    /// <param name="count">K.</param>
    /// <param name="image">The images' shape.</param>
    /// <param name="seed">Chooses the pixels: normal with mean 0.5 and standard deviation 0.1, apart from each other and inside the range.</param>
    /// <exception cref="ArgumentOutOfRangeException">K is not positive.</exception>
    public VampPrior(int count, ImageShape image, ulong seed)
    {
        if (count < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The number of pseudo-images is {count}; the prior needs at least 1.");
        }

        var random = new Random(unchecked((int)seed));
        float[] pixels = [.. Enumerable.Range(0, count * image.Dimensions).Select(_ => 0.5f + (0.1f * NextNormal(random)))];
        pseudoImages = State.Create(
            "prior.pseudoImages", StateRole.Parameter, Tensor.From<float>([count, image.Channels, image.Height, image.Width], pixels));
    }

    /// <inheritdoc/>
    public override string Name => "vamp";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [pseudoImages];

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode)
    {
        var components = Components(encode);
        var (count, latents) = (components.Mean.Shape[0], components.Mean.Shape[1]);
        var (mean, logVar) = (Reshape(components.Mean, [1, count, latents]), Reshape(components.LogVar, [1, count, latents]));
        var difference = Reshape(z, [z.Shape[0], 1, latents]) - mean;
        var logDensities = ReduceSum((-0.5f * ((Square(difference) * Exp(-logVar)) + logVar)) - GaussianPosterior.HalfLogTwoPi, [2]);
        return LogSumExp(logDensities, axis: 1) - MathF.Log(count);
    }

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode) => PriorSampler.OfComponents(Components(encode));

    private GaussianPosterior Components(Func<Value, GaussianPosterior> encode) => encode(HardTanh(pseudoImages.Current, 0, 1));

    // Box and Muller 1958.
    private static float NextNormal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
