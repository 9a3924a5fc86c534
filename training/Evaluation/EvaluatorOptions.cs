using OnnxVae.Inference;

namespace OnnxVae.Training.Evaluation;

/// <summary>How to evaluate.</summary>
public sealed record EvaluatorOptions
{
    /// <summary>Samples per image behind the log-likelihood; 0 to leave it out.</summary>
    public int ImportanceSamples { get; init; }

    /// <summary>Chooses the noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Where to run.</summary>
    public OnnxDevice Device { get; init; } = OnnxDevice.Cpu;

    /// <summary>Threads of the processor; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Fits a density to the first points, Float64 [N, L], and gives the mean of its logarithm at the others, nats per point: a lower estimate of
    /// what the aggregated posterior's own would give, from which <see cref="EvaluationFigures.MarginalKlLower"/> gains. Null to do without.
    /// </summary>
    public Func<double[][], double[][], double>? FitDensity { get; init; }
}
