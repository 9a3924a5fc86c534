using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Export;

/// <summary>The options of <c>export</c>.</summary>
internal sealed record ExportOptions
{
    [Argument("RUN", "The run's folder; or that of a package, with a checkpoint of ONNX Runtime Training.")]
    public string Run { get; init; } = "";

    [Option(Topic.Output, "Where the files go.", IsRequired = true)]
    public string Out { get; init; } = "";

    [CheckpointOption]
    public string? Checkpoint { get; init; }

    [Option(Topic.Execution, "Take the convolution algorithms that are fastest on a CPU; portable operators if left out. Such a file is larger: it holds a graph for single images and one for batches."), Among("cpu")]
    public string? For { get; init; }
}
