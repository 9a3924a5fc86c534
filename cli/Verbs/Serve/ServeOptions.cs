using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>The options of <c>serve</c>.</summary>
internal sealed record ServeOptions
{
    [Argument("DIR", "A run, or the folder of encoder.onnx and decoder.onnx.")]
    public string Model { get; init; } = "";

    [Option(Topic.Output, "The port; 0 for one that is free."), Between(0, 65535)]
    public int Port { get; init; } = 8080;

    [Option(Topic.Condition, "A .npy of float32 [1, K], for models trained with vectors.")]
    public string? Condition { get; init; }

    [Group]
    public ExecutionOptions Execution { get; init; } = new();
}
