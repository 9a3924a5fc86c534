using System.Text.Json;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>What the first process of several tells the others to train.</summary>
internal sealed record RankTask
{
    /// <summary>The options of the autoencoder's run, which say what the images are.</summary>
    public required RunOptions Images { get; init; }

    /// <summary>The package's folder.</summary>
    public required string Package { get; init; }

    /// <summary>The package's <see cref="TrainingPackage.Fingerprint"/>: its manifest may just have been written.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Total number of steps.</summary>
    public required long Steps { get; init; }

    public required ulong Seed { get; init; }

    public required int Accumulate { get; init; }

    public required LoggingOptions Logging { get; init; }

    public required ExecutionOptions Execution { get; init; }

    public required AugmentationOptions Augmentation { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, Manifest.JsonOptions);

    public static RankTask Parse(string json) => JsonSerializer.Deserialize<RankTask>(json, Manifest.JsonOptions)!;

    /// <summary>How long and where to train.</summary>
    /// <param name="ranks">The processes.</param>
    public TrainerOptions ToTrainerOptions(Ranks ranks) => Logging.ToTrainerOptions(Steps, Seed, Execution) with
    {
        Accumulate = Accumulate,
        Augmentation = Augmentation.ToAugmentation(),
        Group = ranks.Group,
        Threads = ranks.ThreadsFor(Execution.Threads),
    };
}
