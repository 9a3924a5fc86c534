using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Evaluate;

/// <summary>The options of <c>evaluate</c>.</summary>
internal sealed record EvaluateOptions : IChecked
{
    [Argument("RUN", "The run's folder.")]
    public string Run { get; init; } = "";

    [Option(Topic.Data, "Other data than the run's.")]
    public string? Data { get; init; }

    [SkipCorruptOption]
    public bool SkipCorrupt { get; init; }

    [Group]
    public TableFileOptions Table { get; init; } = new();

    [Option(Topic.Condition, "A .npy of float32 [N, K] with a vector for each of these images, for models trained with one.")]
    public string? Condition { get; init; }

    [Option(Topic.Data, "Which of the images."), Among<Splits>]
    public string Split { get; init; } = "test";

    [EvaluationOption, Between(0, BetweenAttribute.LargestCount)]
    public int ImportanceSamples { get; init; } = 10;

    [CheckpointOption]
    public string? Checkpoint { get; init; }

    [Group]
    public ExecutionOptions Execution { get; init; } = new();

    [JsonOption]
    public bool Json { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Data is not null ? []
        : OptionNames.Of(typeof(TableFileOptions)).Concat(["--condition", OptionNames.OfProperty(nameof(SkipCorrupt))]).Where(given.Names.Contains).Select(option => $"{option} needs --data: the run's own images have theirs.");
}
