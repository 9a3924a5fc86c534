using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Export;

/// <summary>The options of <c>export</c>.</summary>
internal sealed record ExportOptions
{
    [Argument("RUN", "The run's folder.")]
    public string Run { get; init; } = "";

    [Option(Topic.Output, "Where the files go.", IsRequired = true)]
    public string Out { get; init; } = "";

    [CheckpointOption]
    public string? Checkpoint { get; init; }

    [Option(Topic.Execution, "Use the convolution algorithms that are fastest for batches on a CPU. If omitted, use portable operators, which are also better for single images."), Among("cpu")]
    public string? For { get; init; }
}
