using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Verbs.Inspect;

/// <summary>The options of <c>inspect</c>.</summary>
internal sealed record InspectOptions
{
    [Argument("PATH", "An .onnx file, a package's folder, a run's, or a checkpoint of ONNX Runtime Training.")]
    public string Target { get; init; } = "";
}
