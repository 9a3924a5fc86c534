using OnnxVae.Inference;

namespace OnnxVae.Cli.Options;

/// <summary>Where a model runs.</summary>
internal sealed record ExecutionOptions : ThreadOptions
{
    [Option(Topic.Execution, "An execution provider: cpu, cuda, cuda:1, or another one that the loaded ONNX Runtime has.")]
    public string Device { get; init; } = "cpu";

    /// <summary>The device.</summary>
    /// <exception cref="ArgumentException">It is not available.</exception>
    public OnnxDevice ParseDevice() => OnnxDevice.Parse(Device);

    /// <summary>The same for exported models.</summary>
    /// <exception cref="ArgumentException">The device is not available.</exception>
    public VaeOptions ToVaeOptions() => new() { Device = ParseDevice(), Threads = Threads };
}
