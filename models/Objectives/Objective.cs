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

    /// <summary>The loss, a Float32 scalar, in nats: a mean over images.</summary>
    public abstract Value Loss(ElboTerms terms);
}
