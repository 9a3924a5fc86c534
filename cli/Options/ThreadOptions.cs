using OnnxVae.Inference;

namespace OnnxVae.Cli.Options;

/// <summary>How much of the processor is used.</summary>
internal record ThreadOptions : IChecked
{
    [Option(Topic.Execution, "Threads of the processor; 0 for one per logical processor."), AtLeast(0)]
    public int Threads { get; init; }

    /// <inheritdoc/>
    /// <remarks>How many there may be is the machine's, and no property of a file that comes from another one.</remarks>
    public IEnumerable<string> FindFaults(GivenOptions given) => Threads > OnnxDevice.MostThreads ? [$"--threads is {Threads}; it must be at most {OnnxDevice.MostThreads}."] : [];
}
