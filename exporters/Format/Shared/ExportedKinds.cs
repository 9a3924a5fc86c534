namespace OnnxVae.Format;

/// <summary>What exported files are, as their metadata say (<see cref="MetadataKeys.Kind"/>) and packages name their deployable graphs.</summary>
internal static class ExportedKinds
{
    /// <summary>Images to latents.</summary>
    public const string Encoder = "encoder";

    /// <summary>Latents to images.</summary>
    public const string Decoder = "decoder";

    /// <summary>Noise to draws of latents.</summary>
    public const string Prior = "prior";

    /// <summary>Rounded latents to their probabilities.</summary>
    public const string Density = "density";

    /// <summary>Images to logits of their classes.</summary>
    public const string Classifier = "classifier";

    /// <summary>Codes of the top level to logits of the next one.</summary>
    public const string TopPrior = "prior_top";

    /// <summary>Codes of the bottom level, or of the only one, to logits of the next one.</summary>
    public const string BottomPrior = "prior_bottom";

    /// <summary>Follows the level where the graph makes the condition of the level from the class and the codes above.</summary>
    public const string ConditionSuffix = "_condition";

    /// <summary>Follows the level where the graph makes the features of a row of codes from the rows above it.</summary>
    public const string RowSuffix = "_row";
}
