using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Reconstruct;

/// <summary>The options of <c>reconstruct</c>.</summary>
internal sealed record ReconstructOptions
{
    [Argument("DIR", "A run, or the folder of its encoder.onnx and decoder.onnx.")]
    public string Model { get; init; } = "";

    [Group]
    public ImageSelection Images { get; init; } = new() { Split = "test" };

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Option(Topic.Data, "How many, from the first; all, if left out."), AtLeast(1)]
    public int? Count { get; init; }

    [Option(Topic.Output, "Also draw the first 32 with their reconstructions below into one picture."), Picture]
    public string? Grid { get; init; }

    [Group]
    public ImageJobOptions Job { get; init; } = new();
}
