namespace OnnxVae.Inference;

/// <summary>A trained decoder: latents to images. Safe to use from several threads.</summary>
/// <example><code>
/// using var decoder = VaeDecoder.Load("decoder.onnx");
/// var images = new float[16 * decoder.Metadata.ImageSize];
/// decoder.Generate(seed: 1, first: 0, images);
/// </code></example>
public sealed class VaeDecoder : IDisposable
{
    private readonly VaeSession session;

    private VaeDecoder(VaeSession session) => this.session = session;

    /// <summary>What the file says about itself.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>Loads <c>decoder.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where to run; the processor by default.</param>
    /// <param name="threads">Threads of the processor; 0 for one per logical processor.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no ONNX model, or no decoder.</exception>
    public static VaeDecoder Load(string path, OnnxDevice? device = null, int threads = 0) => new(VaeSession.Load(path, "decoder", device, threads));

    /// <summary>Loads a decoder from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, OnnxDevice, int)"/>
    public static VaeDecoder Load(byte[] model, OnnxDevice? device = null, int threads = 0) => new(VaeSession.Load(model, "decoder", device, threads));

    /// <summary>Decodes latents.</summary>
    /// <param name="latents">Float32 [N, L].</param>
    /// <param name="images">Receives Float32 [N, C, H, W], values in [0, 1].</param>
    /// <exception cref="ArgumentException">A length is wrong, or a latent is not finite.</exception>
    public void Decode(ReadOnlySpan<float> latents, Span<float> images)
    {
        var (latentSize, imageSize) = (Metadata.LatentSize, Metadata.ImageSize);
        int count = latents.Length / latentSize;
        if (latents.Length == 0 || latents.Length % latentSize != 0)
        {
            throw new ArgumentException($"There are {latents.Length} numbers in latents; expected one or more rows of {latentSize}.");
        }

        if (images.Length != count * imageSize)
        {
            throw new ArgumentException($"There is room for {images.Length} numbers in images; {count} images of {imageSize} need {count * imageSize}.");
        }

        for (int i = 0; i < latents.Length; i++)
        {
            if (!float.IsFinite(latents[i]))
            {
                throw new ArgumentException($"Latent {i % latentSize} of row {i / latentSize} is {latents[i]}; latents must be finite.");
            }
        }

        session.Run("z", latents, [count, latentSize], ["image"], [count, Metadata.Channels, Metadata.Height, Metadata.Width], images, []);
    }

    /// <summary>Decodes draws from the prior N(0, I). Latents of image k depend on the seed and on k alone.</summary>
    /// <param name="seed">Chooses the images.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="images">Receives Float32 [N, C, H, W], values in [0, 1]; its length says how many.</param>
    public void Generate(ulong seed, long first, Span<float> images) => Generate(LatentPrior.StandardNormal(Metadata.LatentSize), seed, first, images);

    /// <summary>Decodes draws from another prior.</summary>
    /// <param name="prior">The prior.</param>
    /// <param name="seed">Chooses the images.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="images">Receives Float32 [N, C, H, W], values in [0, 1]; its length says how many.</param>
    /// <exception cref="ArgumentException">The prior has another number of latents.</exception>
    public void Generate(LatentPrior prior, ulong seed, long first, Span<float> images)
    {
        if (prior.LatentSize != Metadata.LatentSize)
        {
            throw new ArgumentException($"The prior has {prior.LatentSize} latents, but the decoder takes {Metadata.LatentSize}: give the one that was exported beside it.");
        }

        var latents = new float[images.Length / Metadata.ImageSize * Metadata.LatentSize];
        prior.Draw(seed, first, latents);
        Decode(latents, images);
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
