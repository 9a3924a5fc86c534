using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Runs;

/// <summary>The parts of a data set, by name.</summary>
internal sealed class Splits : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names { get; } = ["train", "validation", "test", "all"];
}
