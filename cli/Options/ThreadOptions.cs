using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Options;

/// <summary>How many CPU threads are used.</summary>
internal record ThreadOptions
{
    [Option(Topic.Execution, "Threads of the processor; 0 for one per logical processor."), AtLeast(0), FewEnoughThreads]
    public int Threads { get; init; }

    /// <summary>At most as many threads as make sense on this machine; a file may come from another one.</summary>
    private sealed class FewEnoughThreadsAttribute : RuleAttribute
    {
        public override string? FaultOf(string option, object value) =>
            value is string text && int.TryParse(text, CultureInfo.InvariantCulture, out int threads) && threads > OnnxDevice.MostThreads ? $"{option} is {threads}; it must be at most {OnnxDevice.MostThreads}." : null;
    }
}
