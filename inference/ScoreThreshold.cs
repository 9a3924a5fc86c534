using System.Globalization;

namespace OnnxVae.Inference;

/// <summary>The largest score of an example that is not an outlier.</summary>
/// <param name="Kind">Which score.</param>
/// <param name="Samples">The samples of the latents that the score is for: another number gives other scores.</param>
/// <param name="Share">The share of the examples it was found with, held out from training if there were such, that have this score or a smaller one, as 0.99.</param>
/// <param name="Value">The score.</param>
public sealed record ScoreThreshold(ScoreKind Kind, int Samples, double Share, float Value)
{
    /// <summary>As in the metadata of a file: SCORE:SAMPLES:SHARE:VALUE.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind.Name()}:{Samples}:{Share:R}:{Value:R}");

    /// <summary>Reads <see cref="ToString"/>; null for any other text.</summary>
    internal static ScoreThreshold? Parse(string text) =>
        text.Split(':') is [var name, var samples, var share, var value] && ScoreKinds.Find(name) is { } kind
        && int.TryParse(samples, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
        && double.TryParse(share, NumberStyles.Float, CultureInfo.InvariantCulture, out double part) && part is >= 0 and < 1
        && float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out float largest) && float.IsFinite(largest)
            ? new ScoreThreshold(kind, number, part, largest) : null;
}
