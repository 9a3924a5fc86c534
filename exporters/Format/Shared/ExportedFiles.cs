namespace OnnxVae.Format;

/// <summary>The names of files that are exported from a run.</summary>
internal static class ExportedFiles
{
    /// <summary>Images to latents.</summary>
    public const string Encoder = ExportedKinds.Encoder + Extension;

    /// <summary>Latents to images.</summary>
    public const string Decoder = ExportedKinds.Decoder + Extension;

    /// <summary>Noise to draws of the prior that the model was trained with; there is none for N(0, I).</summary>
    public const string Prior = ExportedKinds.Prior + Extension;

    /// <summary>Rounded latents to their probabilities.</summary>
    public const string Density = ExportedKinds.Density + Extension;

    /// <summary>Noise to draws of a mixture that was fitted to the latents: its kind is that of a prior.</summary>
    public const string Mixture = "mixture" + Extension;

    /// <summary>Examples and noise to scores: how unlikely they are.</summary>
    public const string Scorer = ExportedKinds.Scorer + Extension;

    /// <summary>Rows of a table with missing values, and noise, to what these values may be.</summary>
    public const string Imputer = ExportedKinds.Imputer + Extension;

    /// <summary>Images to logits of their classes.</summary>
    public const string Classifier = ExportedKinds.Classifier + Extension;

    /// <summary>Grayscale images and noise to images in color, and their segments.</summary>
    public const string Colorizer = ExportedKinds.Colorizer + Extension;

    /// <summary>The prior of the top level's codes.</summary>
    public const string TopPrior = ExportedKinds.TopPrior + Extension;

    /// <summary>The prior of the bottom level's codes, or of the only level's.</summary>
    public const string BottomPrior = ExportedKinds.BottomPrior + Extension;

    /// <summary>The class and the top level's codes to the condition of the bottom level's prior.</summary>
    public const string BottomPriorCondition = ExportedKinds.BottomPrior + ExportedKinds.ConditionSuffix + Extension;

    /// <summary>The rows above to the features of a row of the bottom level.</summary>
    public const string BottomPriorRow = ExportedKinds.BottomPrior + ExportedKinds.RowSuffix + Extension;

    private const string Extension = ".onnx";
}
