namespace OnnxVae.Format;

/// <summary>The kinds of exported files, as in their metadata (<see cref="MetadataKeys.Kind"/>) and as packages name their deployable graphs.</summary>
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

    /// <summary>Examples and noise to scores: how unlikely they are.</summary>
    public const string Scorer = "scorer";

    /// <summary>Rows of a table with missing values, and noise, to what these values may be.</summary>
    public const string Imputer = "imputer";

    /// <summary>Images to logits of their classes.</summary>
    public const string Classifier = "classifier";

    /// <summary>Grayscale images and noise to images in color, and their segments.</summary>
    public const string Colorizer = "colorizer";

    /// <summary>Codes of the top level to logits of the next one.</summary>
    public const string TopPrior = "prior_top";

    /// <summary>Codes of the bottom level, or of the only one, to logits of the next one.</summary>
    public const string BottomPrior = "prior_bottom";

    /// <summary>Suffix of the level for the graph that computes the level's condition from the class and the codes above.</summary>
    public const string ConditionSuffix = "_condition";

    /// <summary>Suffix of the level for the graph that computes the features of a row of codes from the rows above it.</summary>
    public const string RowSuffix = "_row";
}
