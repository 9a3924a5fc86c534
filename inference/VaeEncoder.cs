using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>A trained encoder: images to the mean and log-variance of their latents. Safe to use from several threads.</summary>
public sealed class VaeEncoder : IDisposable
{
    private const uint NoiseStream = 0x656E;

    private readonly VaeSession session;
    private readonly VaeEncoder? original;
    private readonly Condition? condition;

    private VaeEncoder(VaeSession session) => this.session = session;

    private VaeEncoder(VaeEncoder original, Condition condition)
        : this(original.session) => (this.original, this.condition) = (original, condition);

    /// <summary>The file's metadata.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>Loads <c>encoder.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not an encoder.</exception>
    public static VaeEncoder Load(string path, VaeOptions? options = null) => new(VaeSession.Load(path, ExportedKinds.Encoder, options));

    /// <summary>Loads an encoder from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeEncoder Load(byte[] model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Encoder, options));

    /// <summary>Loads an encoder from a stream, for instance an embedded resource.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeEncoder Load(Stream model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Encoder, options));

    /// <summary>A conditional encoder with its condition: used like any encoder, over the same loaded file, which is disposed with the original.</summary>
    /// <param name="condition">What each image is given, from the encoder's <see cref="ModelMetadata.Condition"/>; row k is that of image k.</param>
    /// <exception cref="ArgumentException">The condition does not fit the encoder, or the encoder takes none.</exception>
    public VaeEncoder Given(Condition condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Arguments.RequireCondition(Metadata, condition);
        return new VaeEncoder(original ?? this, condition);
    }

    /// <summary>Encodes images.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="mean">Receives the posterior means, Float32 [N, L].</param>
    /// <param name="logVar">Receives the natural logarithms of the posterior variances, Float32 [N, L].</param>
    /// <exception cref="ArgumentException">A length is wrong, values are outside their range, or the encoder is conditional and has no condition.</exception>
    public void Encode(ReadOnlySpan<float> images, Span<float> mean, Span<float> logVar)
    {
        Arguments.RequireConditions(condition, images.Length / Metadata.ImageSize);
        Encode(images, first: 0, mean, logVar);
    }

    private void Encode(ReadOnlySpan<float> images, long first, Span<float> mean, Span<float> logVar)
    {
        int count = CountOf(images.Length);
        Arguments.RequireRoom(mean.Length, count, Metadata.LatentSize, "mean");
        Arguments.RequireRoom(logVar.Length, count, Metadata.LatentSize, "logVar");
        Arguments.RequireValues(images, Metadata);
        session.Run("image", images, ShapeOf(count), Arguments.RowsOf(Metadata, condition, first, count), ["mean", "logVar"], [count, Metadata.LatentSize], mean, logVar);
    }

    /// <summary>Encodes images into new arrays, on a thread-pool thread; waiting for other callers blocks no thread.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units; do not change before the task ends.</param>
    /// <param name="cancellation">Stops waiting; a run in progress completes.</param>
    /// <returns>Posterior means and natural logarithms of posterior variances, Float32 [N, L] each.</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside their range.</exception>
    public async Task<(float[] Mean, float[] LogVar)> EncodeAsync(ReadOnlyMemory<float> images, CancellationToken cancellation = default)
    {
        int count = CountOf(images.Length);
        Arguments.RequireValues(images.Span, Metadata);
        Arguments.RequireConditions(condition, count);
        var (mean, logVar) = (new float[count * Metadata.LatentSize], new float[count * Metadata.LatentSize]);
        await session.RunAsync(
            "image", images, ShapeOf(count), Arguments.RowsOf(Metadata, condition, first: 0, count), ["mean", "logVar"], [count, Metadata.LatentSize], mean, logVar, cancellation).ConfigureAwait(false);
        return (mean, logVar);
    }

    private long[] ShapeOf(int count) => [count, .. Metadata.Axes];

    /// <summary>Encodes images into new arrays.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <returns>Posterior means and natural logarithms of posterior variances, Float32 [N, L] each.</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside their range.</exception>
    public (float[] Mean, float[] LogVar) Encode(ReadOnlySpan<float> images)
    {
        int latents = CountOf(images.Length) * Metadata.LatentSize;
        var (mean, logVar) = (new float[latents], new float[latents]);
        Encode(images, mean, logVar);
        return (mean, logVar);
    }

    /// <summary>Encodes pixels into new arrays.</summary>
    /// <param name="pixels">UInt8 [N, C, H, W].</param>
    /// <inheritdoc cref="Encode(ReadOnlySpan{float})"/>
    public (float[] Mean, float[] LogVar) Encode(ReadOnlySpan<byte> pixels)
    {
        using var images = Arguments.OfPixels(pixels, Metadata);
        return Encode(images.Span);
    }

    /// <summary>Samples latents of images: z = z(y) + sigma(y) * eps. The eps of image k depends on the seed and on k alone.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <returns>Float32 [N, L].</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside their range.</exception>
    public float[] Sample(ReadOnlySpan<float> images, ulong seed, long first = 0)
    {
        int count = CountOf(images.Length);
        Arguments.RequireConditions(condition, first + count);
        var (mean, logVar) = (new float[count * Metadata.LatentSize], new float[count * Metadata.LatentSize]);
        Encode(images, first, mean, logVar);
        Draw(mean, logVar, seed, first, mean);
        return mean;
    }

    /// <summary>Samples latents from given posteriors: z = mean + exp(logVar / 2) * eps.</summary>
    /// <param name="mean">Float32 [N, L].</param>
    /// <param name="logVar">Float32 [N, L].</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="latents">Receives Float32 [N, L]; may be the same memory as the means.</param>
    public void Draw(ReadOnlySpan<float> mean, ReadOnlySpan<float> logVar, ulong seed, long first, Span<float> latents)
    {
        int size = Metadata.LatentSize;
        Span<float> eps = new float[size];
        for (int i = 0; i < mean.Length; i++)
        {
            if (i % size == 0)
            {
                Philox.FillStandardNormal(eps, seed, NoiseStream, (ulong)(first + (i / size)));
            }

            latents[i] = mean[i] + (MathF.Exp(0.5f * logVar[i]) * eps[i % size]);
        }
    }

    /// <summary>
    /// Encodes any number of images as a stream, in order and in bounded memory. Image k has the same latents whichever images are
    /// encoded together with it.
    /// </summary>
    /// <param name="range">Which images.</param>
    /// <param name="read">Reads them.</param>
    /// <param name="project">Maps the latents of a block of images to a result.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public IAsyncEnumerable<T> EncodeAsync<T>(ImageRange range, ImageReader read, LatentProjection<T> project, CancellationToken cancellation = default)
    {
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, range.End);
        var (size, latents, blockSize) = (Metadata.ImageSize, Metadata.LatentSize, ImageBlocks.Size(Metadata.ImageSize));
        return ImageBlocks.RunAsync(
            ImageBlocks.Of(range, blockSize), session.MaxConcurrentRuns,
            part =>
            {
                var (block, wanted) = part;
                using PooledArray images = new(blockSize * size), mean = new(blockSize * latents), logVar = new(blockSize * latents);
                var (start, end) = (wanted.Start.Value, wanted.End.Value);
                images.Span.Clear();
                read(block + start, images.Span[(start * size)..(end * size)]);
                Encode(images.Span, block, mean.Span, logVar.Span);
                return project(block + start, mean.Span[(start * latents)..(end * latents)], logVar.Span[(start * latents)..(end * latents)]);
            },
            cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (original is null)
        {
            session.Dispose();
        }
    }

    private int CountOf(int values) => Arguments.RequireRows(
        values, Metadata.ImageSize, "images", $"{(Metadata.IsImage ? "images" : "examples")} of {Metadata.Shape} = {Metadata.ImageSize}");
}
