namespace OnnxVae.Format;

/// <summary>The keys of the metadata of exported files.</summary>
internal static class MetadataKeys
{
    /// <summary>What the file is: one of <see cref="ExportedKinds"/>.</summary>
    public const string Kind = "onnxvae.kind";

    /// <summary>C for vectors, C,L for series, C,H,W for images, C,D,H,W for volumes.</summary>
    public const string Shape = "onnxvae.imageShape";

    /// <summary>The smallest and the largest value of a pixel; missing for other numbers, which have any size.</summary>
    public const string PixelRange = "onnxvae.pixelRange";

    /// <summary>The bits of the values that the model was trained on, if they are more than 8: 16 for pixels, 32 for other numbers.</summary>
    public const string BitDepth = "onnxvae.bitDepth";

    /// <summary>How the file scales real numbers, one of <see cref="ScalingNames"/>: it takes and gives them in the data's units.</summary>
    public const string Scaling = "onnxvae.scaling";

    /// <summary>What is subtracted from each channel, as a JSON array of numbers in the data's units.</summary>
    public const string Offsets = "onnxvae.offsets";

    /// <summary>What each channel is divided by, as a JSON array of numbers in the data's units.</summary>
    public const string Scales = "onnxvae.scales";

    /// <summary>Where the arrays that the model was trained on had their channels, if it was the last axis: <see cref="ChannelsLast"/>.</summary>
    public const string Layout = "onnxvae.layout";

    /// <summary>The layout of arrays whose last axis is that of channels.</summary>
    public const string ChannelsLast = "channels-last";

    /// <summary>The columns of the table whose rows the file takes or gives, as a JSON array.</summary>
    public const string Columns = "onnxvae.columns";

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
