using OnnxVae.Inference;

namespace OnnxVae.Cli.Options;

/// <summary>What everything random is chosen by.</summary>
internal sealed class SeedOptionAttribute() : OptionAttribute(Topic.Run, "Random seed.");

/// <summary>Whether the result is printed for programs.</summary>
internal sealed class JsonOptionAttribute() : OptionAttribute(Topic.Output, "Print the result as one JSON object.");

/// <summary>How much of the processor is used.</summary>
internal record ThreadOptions : IChecked
{
    [Option(Topic.Execution, "Threads of the processor; 0 for one per logical processor."), AtLeast(0)]
    public int Threads { get; init; }

    /// <inheritdoc/>
    /// <remarks>How many there may be is the machine's, and no property of a file that comes from another one.</remarks>
    public IEnumerable<string> FindFaults(GivenOptions given) => Threads > OnnxDevice.MostThreads ? [$"--threads is {Threads}; it must be at most {OnnxDevice.MostThreads}."] : [];
}

/// <summary>Where a model runs.</summary>
internal sealed record ExecutionOptions : ThreadOptions
{
    [Option(Topic.Execution, "An execution provider: cpu, cuda, cuda:1, or another one that the loaded ONNX Runtime has.")]
    public string Device { get; init; } = "cpu";

    /// <summary>The device.</summary>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public OnnxDevice ParseDevice() => OnnxDevice.Parse(Device);

    /// <summary>The same for models that serve.</summary>
    /// <exception cref="ArgumentException">The device is not there.</exception>
    public VaeOptions ToVaeOptions() => new() { Device = ParseDevice(), Threads = Threads };
}
