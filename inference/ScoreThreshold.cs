using System.Globalization;

namespace OnnxVae.Inference;

/// <summary>The largest score of an example that is not an outlier.</summary>
/// <param name="Kind">Which score.</param>
/// <param name="Share">The share of training examples that have this score or a smaller one, as 0.99.</param>
/// <param name="Value">The score.</param>
public sealed record ScoreThreshold(ScoreKind Kind, double Share, float Value)
{
    /// <summary>As in the metadata of a file: SCORE:SHARE:VALUE.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ScoreKinds.NameOf(Kind)}:{Share:R}:{Value:R}");

    /// <summary>Reads <see cref="ToString"/>; null for any other text.</summary>
    internal static ScoreThreshold? Parse(string text) =>
        text.Split(':') is [var name, var share, var value] && ScoreKinds.Find(name) is { } kind
        && double.TryParse(share, NumberStyles.Float, CultureInfo.InvariantCulture, out double part) && part is >= 0 and < 1
        && float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out float largest) && float.IsFinite(largest)
            ? new ScoreThreshold(kind, part, largest) : null;
}
