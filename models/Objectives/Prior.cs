using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z): where latents are expected to be.</summary>
public abstract class Prior
{
    /// <summary>The name in descriptions of models.</summary>
    public abstract string Name { get; }

    /// <summary>The posteriors that it is a prior for.</summary>
    public virtual PosteriorKind Posterior => PosteriorKind.Gaussian;

    /// <summary>Whether it is a P(z|x), which <see cref="Given"/> has to tell what the condition makes of it.</summary>
    public virtual bool IsConditional => false;

    /// <summary>Parameters of the prior; usually none.</summary>
    public virtual IReadOnlyList<State> States => [];

    /// <summary>P(z|x) for the conditions of a batch; the prior itself if it is the same for all conditions.</summary>
    /// <param name="components">Means and log-variances of P(z|x), Float32 [N, L].</param>
    public virtual Prior Given(GaussianPosterior components) => this;

    /// <summary>The posteriors in units in which P(z|x) is the same for all x; the posteriors themselves for other priors.</summary>
    /// <param name="posterior">Q(z|y,x).</param>
    public virtual Posterior Standardize(Posterior posterior) => posterior;

    /// <summary>The rate (KL term) latent by latent, if it factorizes over the latents: KL(Q(z|y) || P(z)) in closed form, or a code length.</summary>
    /// <param name="posterior">Q(z|y).</param>
    /// <param name="z">A sample of it, Float32 [N, L].</param>
    /// <returns>Float32 [N, L], nats; null if it does not.</returns>
    public virtual Value? LatentRates(Posterior posterior, Value z) => null;

    /// <summary>ln P(z).</summary>
    /// <param name="z">Latents, Float32 [N, L].</param>
    /// <param name="encode">The encoder, from images, Float32 [K, C, ...], to posteriors.</param>
    /// <returns>Float32 [N], nats per example.</returns>
    public abstract Value LogDensity(Value z, Func<Value, GaussianPosterior> encode);

    /// <summary>ln P(z_l), latent by latent, of rounded latents; null for others, which have densities instead of probabilities.</summary>
    /// <param name="z">Float32 [N, L]; whole numbers.</param>
    /// <returns>Float32 [N, L].</returns>
    public virtual Value? LogProbabilities(Value z) => null;

    /// <summary>The variance of each latent, by which the spread of posterior means is judged; null for 1.</summary>
    /// <param name="encode">The encoder, as above.</param>
    /// <returns>Float32 [L].</returns>
    public virtual Value? Variances(Func<Value, GaussianPosterior> encode) => null;

    /// <summary>Turns noise into draws; null for N(0, I), where noise is a draw.</summary>
    /// <param name="encode">The encoder, as above.</param>
    public virtual PriorSampler? Sampler(Func<Value, GaussianPosterior> encode) => null;
}
