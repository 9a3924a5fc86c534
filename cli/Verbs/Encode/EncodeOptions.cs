using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Encode;

/// <summary>The options of <c>encode</c>.</summary>
internal sealed record EncodeOptions
{
    [Argument("ENCODER", "A run, the folder of its exported files, or an encoder.onnx.")]
    public string Encoder { get; init; } = "";

    [Group]
    public ImageSelection Images { get; init; } = new();

    [Group]
    public ConditionOptions Given { get; init; } = new();

    [Option(Topic.Output, "Of each image's posterior: means and log-variances [N, 2, L], means [N, L], or a sample [N, L]."), Among(LatentOutput.MeanAndLogVar, LatentOutput.Mean, LatentOutput.Sample)]
    public string Values { get; init; } = LatentOutput.MeanAndLogVar;

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    [Group]
    public LatentJobOptions Job { get; init; } = new();
}
