using OnnxVae.Cli.Options;
using OnnxVae.Models;

namespace OnnxVae.Cli.Models;

/// <summary>How pixels are prepared for the model, by name.</summary>
internal sealed class Preparations : INamed
{
    private static readonly Dictionary<string, PixelPreparation> Table = new()
    {
        ["grey"] = PixelPreparation.Grey,
        ["threshold"] = PixelPreparation.Threshold,
        ["sampled"] = PixelPreparation.Sampled,
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The preparation with a given name.</summary>
    public static PixelPreparation Find(string name) => Table[name];
}
