namespace OnnxVae.Inference;

/// <summary>A trained encoder: images to the mean and log-variance of their latents. Safe to use from several threads.</summary>
public sealed class VaeEncoder : IDisposable
{
    private readonly VaeSession session;

    private VaeEncoder(VaeSession session) => this.session = session;

    /// <summary>What the file says about itself.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>Loads <c>encoder.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where to run; the processor by default.</param>
    /// <param name="threads">Threads of the processor; 0 for one per logical processor.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ONNX model, or no encoder.</exception>
    public static VaeEncoder Load(string path, OnnxDevice? device = null, int threads = 0) => new(VaeSession.Load(path, "encoder", device, threads));

    /// <summary>Loads an encoder from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, OnnxDevice, int)"/>
    public static VaeEncoder Load(byte[] model, OnnxDevice? device = null, int threads = 0) => new(VaeSession.Load(model, "encoder", device, threads));

    /// <summary>Encodes images.</summary>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <param name="mean">Receives the posterior means, Float32 [N, L].</param>
    /// <param name="logVar">Receives the natural logarithms of the posterior variances, Float32 [N, L].</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    public void Encode(ReadOnlySpan<float> images, Span<float> mean, Span<float> logVar)
    {
        var (latentSize, imageSize) = (Metadata.LatentSize, Metadata.ImageSize);
        int count = images.Length / imageSize;
        if (images.Length == 0 || images.Length % imageSize != 0)
        {
            throw new ArgumentException(
                $"There are {images.Length} numbers in images; expected one or more images of {Metadata.Channels} x {Metadata.Height} x {Metadata.Width} = {imageSize}.");
        }

        if (mean.Length != count * latentSize || logVar.Length != count * latentSize)
        {
            throw new ArgumentException(
                $"There is room for {mean.Length} means and {logVar.Length} log-variances; {count} images need {count * latentSize} of each.");
        }

        session.Run(
            "image", images, [count, Metadata.Channels, Metadata.Height, Metadata.Width], ["mean", "logVar"], [count, latentSize], mean, logVar);
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
