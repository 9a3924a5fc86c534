using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Models.Objectives;

/// <summary>What a VAE minimizes.</summary>
public abstract class Objective
{
    /// <summary>The formula, for people.</summary>
    public abstract string Formula { get; }

    /// <summary>K, samples of the latents per image and step.</summary>
    public virtual int Samples => 1;

    /// <summary>Scalars that follow a schedule.</summary>
    public virtual IReadOnlyList<ProgramInput> Schedules => [];

    /// <summary>What the rate is weighted with against the distortion, Float32 scalar: the posterior that is best for it is Q ~ P(z) P(y|z)^(1/beta).</summary>
    public virtual Value Beta => 1f;

    /// <summary>The loss, a Float32 scalar, in nats: a mean over images.</summary>
    public abstract Value Loss(ElboTerms terms);
}
