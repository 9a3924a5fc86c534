namespace OnnxVae.Format;

/// <summary>
/// The files that are exported from a run. This is a source file of every project that writes or reads them: what serves models references ONNX Runtime
/// and nothing of this repository.
/// </summary>
internal static class ExportedFiles
{
    /// <summary>Images to latents.</summary>
    public const string Encoder = "encoder.onnx";

    /// <summary>Latents to images.</summary>
    public const string Decoder = "decoder.onnx";

    /// <summary>Noise to draws of the prior that the model was trained with; there is none for N(0, I).</summary>
    public const string Prior = "prior.onnx";

    /// <summary>Rounded latents to their probabilities.</summary>
    public const string Density = "density.onnx";

    /// <summary>Noise to draws of a mixture that was fitted to the latents.</summary>
    public const string Mixture = "mixture.onnx";

    /// <summary>Images to logits of their classes.</summary>
    public const string Classifier = "classifier.onnx";
}

/// <summary>The keys of the metadata of exported files.</summary>
internal static class MetadataKeys
{
    /// <summary>What the file is: encoder, decoder, ...</summary>
    public const string Kind = "onnxvae.kind";

    /// <summary>C,H,W.</summary>
    public const string ImageShape = "onnxvae.imageShape";

    /// <summary>The smallest and the largest value of a pixel.</summary>
    public const string PixelRange = "onnxvae.pixelRange";

    /// <summary>L.</summary>
    public const string LatentSize = "onnxvae.latentSize";

    /// <summary>Grids of codes, K:HxW with commas between them, the top level's first.</summary>
    public const string Codes = "onnxvae.codes";

    /// <summary>The prior that the model was trained with.</summary>
    public const string Prior = "onnxvae.prior";

    /// <summary>What was minimised.</summary>
    public const string Objective = "onnxvae.objective";

    /// <summary>The names of the classes, as a JSON array.</summary>
    public const string Classes = "onnxvae.classes";

    /// <summary>The share of each class among the training images, as a JSON array.</summary>
    public const string ClassFrequencies = "onnxvae.classFrequencies";

    /// <summary>Identifies the weights, or those whose latents the file is for.</summary>
    public const string Weights = "onnxvae.weights";

    /// <summary>The batch that the file is tuned for.</summary>
    public const string BatchSize = "onnxvae.imagesAtATime";

    /// <summary>The version of what wrote the file.</summary>
    public const string Version = "onnxvae.version";
}
