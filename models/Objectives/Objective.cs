using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The terms of the ELBO, for every image and every sample of its latents: K copies of a batch of N, one after the other.</summary>
/// <param name="Distortion">-ln P(y|z), Float32 [K N], nats.</param>
/// <param name="Rate">KL(Q(z|y) || P(z)), or its estimate ln Q(z|y) - ln P(z), Float32 [K N], nats.</param>
/// <param name="LatentRates">The rate latent by latent, Float32 [K N, L]; null where it does not fall apart into latents.</param>
/// <param name="LogWeight">ln P(y, z) / Q(z|y), Float32 [K N].</param>
public sealed record ElboTerms(Value Distortion, Value Rate, Value? LatentRates, Value LogWeight);

/// <summary>What a VAE minimises.</summary>
public abstract record Objective
{
    /// <summary>The formula, for people.</summary>
    public abstract string Formula { get; }

    /// <summary>K, samples of the latents per image and step.</summary>
    public virtual int Samples => 1;

    /// <summary>Scalars that follow the step.</summary>
    public virtual IReadOnlyList<ProgramInput> Schedules => [];

    /// <summary>The loss, a Float32 scalar, in nats: a mean over images.</summary>
    public abstract Value Loss(ElboTerms terms);
}

/// <summary>The negative ELBO with a weight on the rate: E[-ln P(y|z)] + beta KL(Q(z|y) || P(z)); the ELBO itself at beta = 1.</summary>
/// <remarks>
/// Kingma and Welling 2014, arXiv 1312.6114, equation 3; Higgins et al. 2017, beta-VAE, equation 4. A beta that rises from 0: Bowman et al.
/// 2016, arXiv 1511.06349; that does so again and again: Fu et al. 2019, arXiv 1903.10145.
/// </remarks>
public sealed record BetaElbo : Objective
{
    private readonly ProgramInput beta;

    /// <summary>The ELBO.</summary>
    public BetaElbo()
        : this(new ConstantSchedule(1))
    {
    }

    /// <summary>Sets beta.</summary>
    public BetaElbo(Schedule beta) => this.beta = ProgramInput.Scheduled("beta", beta);

    /// <inheritdoc/>
    public override string Formula => "E[-ln P(y|z)] + beta KL(Q(z|y) || P(z))";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [beta];

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms) => Mean(terms.Distortion + (beta.Value * terms.Rate));
}

/// <summary>The distortion at a rate that is asked for: E[-ln P(y|z)] + gamma |KL(Q(z|y) || P(z)) - C|.</summary>
/// <remarks>Burgess et al. 2018, arXiv 1804.03599, equation 8.</remarks>
public sealed record CapacityElbo : Objective
{
    private readonly double gamma;
    private readonly ProgramInput capacity;

    /// <summary>Sets weight and rate.</summary>
    /// <param name="gamma">Weight of the rate's distance to C.</param>
    /// <param name="capacity">C, nats per image.</param>
    public CapacityElbo(double gamma, Schedule capacity) => (this.gamma, this.capacity) = (gamma, ProgramInput.Scheduled("capacity", capacity));

    /// <inheritdoc/>
    public override string Formula => $"E[-ln P(y|z)] + {gamma} |KL(Q(z|y) || P(z)) - C|";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [capacity];

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms) => Mean(terms.Distortion) + ((float)gamma * Abs(Mean(terms.Rate) - capacity.Value));
}

/// <summary>The beta-ELBO in which every latent may spend some nats for free: E[-ln P(y|z)] + beta sum over latents of max(KL, free bits).</summary>
/// <remarks>
/// Kingma et al. 2016, arXiv 1606.04934, appendix C.8: each latent's rate is averaged over the batch before the maximum. Against posterior
/// collapse: there is no gain in less than the free rate.
/// </remarks>
public sealed record FreeBitsElbo : Objective
{
    private readonly double free;
    private readonly ProgramInput beta;

    /// <summary>Sets the free rate and beta.</summary>
    /// <param name="free">Nats per latent.</param>
    /// <param name="beta">Weight of the rate beyond.</param>
    public FreeBitsElbo(double free, Schedule beta) => (this.free, this.beta) = (free, ProgramInput.Scheduled("beta", beta));

    /// <inheritdoc/>
    public override string Formula => $"E[-ln P(y|z)] + beta sum of max(KL(Q(z_i|y) || P(z_i)), {free})";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [beta];

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The prior's rate does not fall apart into latents.</exception>
    public override Value Loss(ElboTerms terms)
    {
        var rates = terms.LatentRates ?? throw new NotSupportedException(
            "Free bits are counted latent by latent, but this prior's rate does not fall apart into latents: take another prior, or no free bits.");
        return Mean(terms.Distortion) + (beta.Value * Sum(Max(ReduceMean(rates, [0]), (float)free)));
    }
}

/// <summary>The importance-weighted bound -E ln 1/K sum of P(y, z_k) / Q(z_k|y), between the negative ELBO (K = 1) and -ln P(y).</summary>
/// <remarks>IWAE: Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519, equation 8.</remarks>
public sealed record ImportanceWeightedBound : Objective
{
    /// <summary>Sets the number of samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one.</exception>
    public ImportanceWeightedBound(int samples) => Samples = samples >= 1
        ? samples
        : throw new ArgumentOutOfRangeException(null, $"The number of samples is {samples}; the bound needs at least 1.");

    /// <inheritdoc/>
    public override int Samples { get; }

    /// <inheritdoc/>
    public override string Formula => $"-E ln 1/{Samples} sum of P(y, z_k) / Q(z_k|y)";

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms)
    {
        var weights = Reshape(terms.LogWeight, [Samples, terms.LogWeight.Shape[0] / Samples]);
        return MathF.Log(Samples) - Mean(LogSumExp(weights, axis: 0));
    }
}
