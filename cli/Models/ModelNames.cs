using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Models;

/// <summary>Models by name: the networks of VAEs, and the models whose latents are codes.</summary>
internal sealed class ModelNames : INamed
{
    /// <summary>The model with one level of codes.</summary>
    public const string OneLevel = "vqvae";

    /// <summary>The model with two levels of codes.</summary>
    public const string TwoLevels = "vqvae2";

    /// <summary>The model whose latents are a segmentation.</summary>
    public const string Colorization = "colorization";

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => [.. Networks.Names, OneLevel, TwoLevels, Colorization];
}
