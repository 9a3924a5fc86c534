using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The distortion (reconstruction loss) at a target rate (KL term): E[-ln P(y|z)] + gamma |KL(Q(z|y) || P(z)) - C|.</summary>
/// <remarks>Burgess et al. 2018, arXiv 1804.03599, equation 8.</remarks>
public sealed class CapacityElbo : Objective
{
    private readonly double gamma;
    private readonly ProgramInput capacity;

    /// <summary>Sets weight and rate.</summary>
    /// <param name="gamma">Weight of the rate's distance from C.</param>
    /// <param name="capacity">C, nats per image.</param>
    public CapacityElbo(double gamma, Schedule capacity) => (this.gamma, this.capacity) = (gamma, ProgramInput.Scheduled("capacity", capacity));

    /// <inheritdoc/>
    public override string Formula => $"E[-ln P(y|z)] + {gamma} |KL(Q(z|y) || P(z)) - C|";

    /// <inheritdoc/>
    public override IReadOnlyList<ProgramInput> Schedules => [capacity];

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms) => Mean(terms.Distortion) + ((float)gamma * Abs(Mean(terms.Rate) - capacity.Value));
}
