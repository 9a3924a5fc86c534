using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The beta-ELBO in which every latent may spend some nats for free: E[-ln P(y|z)] + beta sum over latents of max(KL, free bits).</summary>
/// <remarks>
/// Kingma et al. 2016, arXiv 1606.04934, appendix C.8: each latent's rate is averaged over the batch before the maximum. Against posterior
/// collapse: there is no gain in going below the free rate.
/// </remarks>
public sealed class FreeBitsElbo : Objective
{
    private readonly double free;
    private readonly ProgramInput beta;

    /// <summary>Sets the free rate and beta.</summary>
    /// <param name="free">Nats per latent.</param>
    /// <param name="beta">Weight of the rate (the KL term) beyond that.</param>
    public FreeBitsElbo(double free, Schedule beta) => (this.free, this.beta) = (free, ProgramInput.Scheduled("beta", beta));

    /// <inheritdoc/>
    public override string Formula => $"E[-ln P(y|z)] + beta sum of max(KL(Q(z_i|y) || P(z_i)), {free})";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [beta];

    /// <inheritdoc/>
    public override Value Beta => beta.Value;

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The prior's rate does not factorize over the latents.</exception>
    public override Value Loss(ElboTerms terms)
    {
        var rates = terms.LatentRates ?? throw new NotSupportedException(
            "Free bits are counted latent by latent, but this prior's rate does not factorize over the latents: choose another prior, or do without free bits.");
        return Mean(terms.Distortion) + (beta.Value * Sum(Max(ReduceMean(rates, [0]), (float)free)));
    }
}
