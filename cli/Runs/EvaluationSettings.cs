using OnnxVae.Cli.Options;
using OnnxVae.Models.Exact;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Runs;

/// <summary>How models are evaluated.</summary>
internal static class EvaluationSettings
{
    private const int MostComponents = 10;
    private const int PointsPerComponentAndLatent = 10;
    private const int MostSteps = 50;

    /// <summary>Options of an evaluation, with a mixture of Gaussians for the aggregated posterior.</summary>
    public static EvaluatorOptions Create(int importanceSamples, ulong seed, ExecutionOptions execution) => new()
    {
        ImportanceSamples = importanceSamples,
        Seed = seed,
        Device = execution.ParseDevice(),
        Threads = execution.Threads,
        FitDensity = (fitted, others) =>
        {
            int components = Math.Clamp(fitted.Length / (PointsPerComponentAndLatent * fitted[0].Length), 1, MostComponents);
            return GaussianMixture.Fit(fitted, components, new MixtureOptions { Seed = seed, MostSteps = MostSteps }).MeanLogDensity(others);
        },
    };
}
