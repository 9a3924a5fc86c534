namespace OnnxVae.Format;

/// <summary>The keys of the metadata of exported files.</summary>
internal static class MetadataKeys
{
    /// <summary>What the file is: one of <see cref="ExportedKinds"/>.</summary>
    public const string Kind = "onnxvae.kind";

    /// <summary>C,H,W.</summary>
    public const string ImageShape = "onnxvae.imageShape";

    /// <summary>The smallest and the largest value of a pixel.</summary>
    public const string PixelRange = "onnxvae.pixelRange";

    /// <summary>The bits of the pixels that the model was trained on, if they are more than 8.</summary>
    public const string BitDepth = "onnxvae.bitDepth";

    /// <summary>L.</summary>
    public const string LatentSize = "onnxvae.latentSize";

    /// <summary>Grids of codes, K:HxW with commas between them, the top level's first.</summary>
    public const string Codes = "onnxvae.codes";

    /// <summary>The prior that the model was trained with; <see cref="StandardNormal"/>, or one whose file is next to it.</summary>
    public const string Prior = "onnxvae.prior";

    /// <summary>The name of the prior N(0, I).</summary>
    public const string StandardNormal = "standard-normal";

    /// <summary>The objective that was minimized.</summary>
    public const string Objective = "onnxvae.objective";

    /// <summary>The names of the classes, as a JSON array.</summary>
    public const string Classes = "onnxvae.classes";

    /// <summary>The share of each class among the training images, as a JSON array.</summary>
    public const string ClassFrequencies = "onnxvae.classFrequencies";

    /// <summary>What the model is conditional on, KIND:AxBxC: one of <see cref="ConditionKinds"/> and the shape of an image's condition.</summary>
    public const string Condition = "onnxvae.condition";

    /// <summary>K, the samples of latents that a scorer takes at a time.</summary>
    public const string Samples = "onnxvae.samples";

    /// <summary>The largest score that is not an outlier's, SCORE:SAMPLES:SHARE:VALUE, with the samples of the latents that it is for, and the share of examples up to it.</summary>
    public const string Threshold = "onnxvae.threshold";

    /// <summary>Identifies the weights, or the weights whose latents the file is for.</summary>
    public const string Weights = "onnxvae.weights";

    /// <summary>The batch size that the file is tuned for.</summary>
    public const string ImagesAtATime = "onnxvae.imagesAtATime";

    /// <summary>The version of the software that wrote the file.</summary>
    public const string Version = "onnxvae.version";
}
