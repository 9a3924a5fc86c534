using OnnxVae.Cli.Batch;
using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Verbs.Decompress;

/// <summary>The options of <c>decompress</c>.</summary>
internal sealed record DecompressOptions
{
    [Argument("DIR", "A run with --rounded, or the folder of its decoder.onnx and density.onnx.")]
    public string Model { get; init; } = "";

    [Argument("FILE", "What 'compress' wrote.")]
    public string File { get; init; } = "";

    [Group]
    public ImageJobOptions Job { get; init; } = new();
}
