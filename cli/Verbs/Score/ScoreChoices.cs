using OnnxVae.Cli.Options;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Score;

/// <summary>Scores by name.</summary>
internal sealed class ScoreChoices : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => ScoreKinds.Names;
}
