using System.Text.Json;
using OnnxVae.Cli.Options;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>Scores by name, as in tables: <c>negativeElbo</c>.</summary>
internal sealed class ScoreChoices : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => [.. Enum.GetValues<ScoreKind>().Select(NameOf)];

    /// <summary>A score's name.</summary>
    public static string NameOf(ScoreKind kind) => JsonNamingPolicy.CamelCase.ConvertName($"{kind}");

    /// <summary>The score of a name.</summary>
    public static ScoreKind Parse(string name) => Enum.GetValues<ScoreKind>().Single(kind => NameOf(kind) == name);
}
