using OnnxVae.Inference;

namespace OnnxVae.Training.Evaluation;

/// <summary>How to evaluate.</summary>
public sealed record EvaluatorOptions
{
    /// <summary>Importance samples per image for the log-likelihood; 0 to skip it.</summary>
    public int ImportanceSamples { get; init; }

    /// <summary>Random seed of the noise.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Where to run.</summary>
    public OnnxDevice Device { get; init; } = OnnxDevice.Cpu;

    /// <summary>CPU threads; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Fits a density to the first points, Float64 [N, L], and returns the mean of its logarithm at the others, nats per point: a lower estimate of
    /// that of the aggregated posterior itself, which improves <see cref="EvaluationFigures.MarginalKlLower"/>. Null to skip this.
    /// </summary>
    public Func<double[][], double[][], double>? FitDensity { get; init; }
}
