using OnnxVae.Cli.Options;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>How often a run writes.</summary>
internal sealed record LoggingOptions
{
    [Option(Topic.Run, "Steps between lines of metrics.jsonl."), Between(1, BetweenAttribute.LargestCount)]
    public int LogEvery { get; init; } = 50;

    [Option(Topic.Run, "Steps between checkpoints, with which autoencoders draw sample grids."), Between(1, BetweenAttribute.LargestCount)]
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>Training options with this logging.</summary>
    /// <param name="steps">Total number of steps.</param>
    /// <param name="seed">Random seed of data order and noise.</param>
    /// <param name="execution">Where to run.</param>
    public TrainerOptions ToTrainerOptions(long steps, ulong seed, ExecutionOptions execution) => new()
    {
        Steps = steps,
        Seed = seed,
        Device = execution.ParseDevice(),
        Threads = execution.Threads,
        LogEvery = LogEvery,
        CheckpointEvery = CheckpointEvery,
    };
}
