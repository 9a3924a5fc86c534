using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Compress;

/// <summary>The options of <c>compress</c>.</summary>
internal sealed record CompressOptions
{
    [Argument("DIR", "A run with --rounded, or the folder of its encoder.onnx and density.onnx.")]
    public string Model { get; init; } = "";

    [Group]
    public ImageSelection Images { get; init; } = new();

    [Option(Topic.Output, "The file.", IsRequired = true)]
    public string Out { get; init; } = "";

    [Option(Topic.Execution, "Images per run of the encoder."), Between(1, BetweenAttribute.LargestWidth)]
    public int Batch { get; init; } = 64;

    [Group]
    public ThreadOptions Execution { get; init; } = new();
}
