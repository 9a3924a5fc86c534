using OnnxVae.Training.Runs;

namespace FineTuning;

/// <summary>What a run is started with; stored in its folder.</summary>
/// <param name="Images">The name of its images.</param>
internal sealed record Settings(string Images) : IRunOptions
{
    public static string Kind => "fine-tuning";
}
