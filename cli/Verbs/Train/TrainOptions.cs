using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Train;

/// <summary>The options of <c>train</c>.</summary>
internal sealed record TrainOptions : IChecked
{
    [Group]
    public RunOptions Run { get; init; } = new();

    [Option(Topic.Output, "The run's folder; runs/NAME, after the data, if left out.")]
    public string? Out { get; init; }

    [Option(Topic.Run, "Continue the run in --out from its newest checkpoint.")]
    public bool Resume { get; init; }

    [JsonOption]
    public bool Json { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => Resume && Out is null ? ["--resume needs --out, the run to continue."] : [];
}
