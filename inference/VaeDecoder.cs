using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>A trained decoder: latents to images. Safe to use from several threads.</summary>
/// <example><code>
/// using var decoder = VaeDecoder.Load("decoder.onnx");
/// float[] images = decoder.Generate(count: 16, seed: 1);
/// </code></example>
public sealed class VaeDecoder : IDisposable
{
    private readonly VaeSession session;
    private readonly string? folder;
    private readonly VaeOptions? options;
    private readonly VaeDecoder? original;
    private readonly Condition? condition;
    private readonly object opening = new();
    private LatentPrior? prior;

    private VaeDecoder(VaeSession session, VaeOptions? options, string? folder = null) => (this.session, this.options, this.folder) = (session, options, folder);

    private VaeDecoder(VaeDecoder original, Condition condition)
        : this(original.session, original.options, original.folder) => (this.original, this.condition) = (original, condition);

    /// <summary>The file's metadata.</summary>
    public ModelMetadata Metadata => session.Metadata;

    /// <summary>
    /// The prior that the model was trained with, used unless another one is given: N(0, I), or the files next to the decoder,
    /// <c>prior.onnx</c> or those of a prior of codes. It is loaded on first use, and disposed with the decoder.
    /// </summary>
    /// <exception cref="InvalidOperationException">The prior's file is missing, or the decoder does not record which prior it needs.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or belongs to another model.</exception>
    public LatentPrior Prior
    {
        get
        {
            if (original is not null)
            {
                return original.Prior;
            }

            lock (opening)
            {
                return prior ??= LatentPrior.OfModel(folder, Metadata, options);
            }
        }
    }

    /// <summary>Loads <c>decoder.onnx</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or not a decoder.</exception>
    public static VaeDecoder Load(string path, VaeOptions? options = null) => new(VaeSession.Load(path, ExportedKinds.Decoder, options), options, Path.GetDirectoryName(Path.GetFullPath(path)));

    /// <summary>Loads a decoder from the bytes of its file.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeDecoder Load(byte[] model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Decoder, options), options);

    /// <summary>Loads a decoder from a stream, for instance an embedded resource.</summary>
    /// <inheritdoc cref="Load(string, VaeOptions)"/>
    public static VaeDecoder Load(Stream model, VaeOptions? options = null) => new(VaeSession.Load(model, ExportedKinds.Decoder, options), options);

    /// <summary>A conditional decoder with its condition: used like any decoder, over the same loaded file, which is disposed with the original.</summary>
    /// <param name="condition">What each image is given, from the decoder's <see cref="ModelMetadata.Condition"/>; row k is that of image k.</param>
    /// <exception cref="ArgumentException">The condition does not fit the decoder, or the decoder takes none.</exception>
    public VaeDecoder Given(Condition condition)
    {
        ArgumentNullException.ThrowIfNull(condition);
        Arguments.RequireCondition(Metadata, condition);
        return new VaeDecoder(original ?? this, condition);
    }

    /// <summary>Decodes latents.</summary>
    /// <param name="latents">Float32 [N, L].</param>
    /// <param name="images">Receives Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <exception cref="ArgumentException">A length is wrong, a latent is not finite, or the decoder is conditional and has no condition.</exception>
    public void Decode(ReadOnlySpan<float> latents, Span<float> images)
    {
        Arguments.RequireConditions(condition, latents.Length / Metadata.LatentSize);
        DecodeBlock(latents, first: 0, images);
    }

    /// <summary>Decodes latents of images that follow each other.</summary>
    internal void DecodeBlock(ReadOnlySpan<float> latents, long first, Span<float> images)
    {
        int count = RequireRows(latents, images.Length);
        session.Run(
            "z", latents, [count, Metadata.LatentSize], Arguments.RowsOf(Metadata, condition, first, count), ["image"], ShapeOf(count), images, []);
    }

    /// <summary>Decodes latents on a thread-pool thread; waiting for other callers blocks no thread.</summary>
    /// <param name="latents">Float32 [N, L]; do not change before the task ends.</param>
    /// <param name="images">Receives Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="cancellation">Stops waiting; a run in progress completes.</param>
    /// <exception cref="ArgumentException">A length is wrong, or a latent is not finite.</exception>
    public Task DecodeAsync(ReadOnlyMemory<float> latents, Memory<float> images, CancellationToken cancellation = default)
    {
        int count = RequireRows(latents.Span, images.Length);
        Arguments.RequireConditions(condition, count);
        return session.RunAsync("z", latents, [count, Metadata.LatentSize], Arguments.RowsOf(Metadata, condition, first: 0, count), ["image"], ShapeOf(count), images, default, cancellation);
    }

    /// <summary>Decodes latents into a new array, on a thread-pool thread; waiting for other callers blocks no thread.</summary>
    /// <param name="latents">Float32 [N, L]; do not change before the task ends.</param>
    /// <param name="cancellation">Stops waiting; a run in progress completes.</param>
    /// <returns>Float32 [N, C, ...], values in [0, 1] or in the data's units.</returns>
    /// <exception cref="ArgumentException">The length is wrong, or a latent is not finite.</exception>
    public async Task<float[]> DecodeAsync(ReadOnlyMemory<float> latents, CancellationToken cancellation = default)
    {
        var images = new float[latents.Length / Metadata.LatentSize * Metadata.ImageSize];
        await DecodeAsync(latents, images, cancellation).ConfigureAwait(false);
        return images;
    }

    private long[] ShapeOf(int count) => [count, .. Metadata.Axes];

    private int RequireRows(ReadOnlySpan<float> latents, int room)
    {
        int count = Arguments.RequireRows(latents.Length, Metadata.LatentSize, "latents", $"rows of {Metadata.LatentSize}");
        Arguments.RequireRoom(room, count, Metadata.ImageSize, "images");
        Arguments.RequireFinite(latents, Metadata.LatentSize);
        return count;
    }

    /// <summary>Decodes latents into a new array.</summary>
    /// <param name="latents">Float32 [N, L].</param>
    /// <returns>Float32 [N, C, ...], values in [0, 1] or in the data's units.</returns>
    /// <exception cref="ArgumentException">The length is wrong, or a latent is not finite.</exception>
    public float[] Decode(ReadOnlySpan<float> latents)
    {
        var images = new float[latents.Length / Metadata.LatentSize * Metadata.ImageSize];
        Decode(latents, images);
        return images;
    }

    /// <summary>Decodes latents into pixels.</summary>
    /// <param name="latents">Float32 [N, L].</param>
    /// <param name="pixels">Receives UInt8 [N, C, H, W].</param>
    /// <exception cref="ArgumentException">A length is wrong, a latent is not finite, or the decoder gives other numbers than those of pixels.</exception>
    public void Decode(ReadOnlySpan<float> latents, Span<byte> pixels)
    {
        Arguments.RequirePixels(Metadata);
        using var images = new PooledArray(pixels.Length);
        Decode(latents, images.Span);
        Pixels.ToBytes(images.Span, pixels);
    }

    /// <summary>
    /// Decodes any number of latents as a stream of results, one per block of images, in order and in bounded memory. The image of a row
    /// has the same bytes whichever rows are decoded together with it.
    /// </summary>
    /// <param name="first">The number of the first row's image.</param>
    /// <param name="latents">The rows, Float32 [L] each; read in order, some ahead.</param>
    /// <param name="project">Maps a block of images to a result, on the thread that computed them.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ArgumentException">A row has another length, or a latent is not finite.</exception>
    public IAsyncEnumerable<T> DecodeAsync<T>(long first, IEnumerable<float[]> latents, ImageProjection<T> project, CancellationToken cancellation = default)
    {
        int size = Metadata.ImageSize, blockSize = ImageBlocks.Size(size);
        return ImageBlocks.RunAsync(
            ImageBlocks.Of(first, latents, blockSize), session.MaxConcurrentRuns,
            part =>
            {
                var (start, rows) = part;
                int offset = (int)(start % blockSize) * Metadata.LatentSize;
                using PooledArray z = new(blockSize * Metadata.LatentSize), images = new(blockSize * size);
                z.Span.Clear();
                foreach (float[] row in rows)
                {
                    Arguments.RequireRoom(row.Length, 1, Metadata.LatentSize, "a row of latents");
                    row.CopyTo(z.Span[offset..]);
                    offset += row.Length;
                }

                Arguments.RequireConditions(condition, start + rows.Length);
                DecodeBlock(z.Span, start / blockSize * blockSize, images.Span);
                return project(start, images.Span.Slice((int)(start % blockSize) * size, rows.Length * size));
            },
            cancellation);
    }

    /// <summary>
    /// Decodes draws from the model's own prior, or from another one. Latents of image k depend on the seed and on k alone. Rows of a table are drawn from P(y|z), too: numbers are Gaussian, and
    /// categories one-hot vectors.
    /// </summary>
    /// <param name="count">How many images.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="prior">The prior to draw from; the model's own <see cref="Prior"/> if omitted.</param>
    /// <returns>Float32 [N, C, ...], values in [0, 1] or in the data's units.</returns>
    /// <exception cref="ArgumentException">The prior belongs to another model, or there are no images.</exception>
    /// <exception cref="InvalidOperationException">No prior is given, and the model's own is missing.</exception>
    /// <exception cref="OverflowException">The images exceed one array: use <see cref="GenerateAsync(ImageRange, ulong, LatentPrior, CancellationToken)"/>.</exception>
    public float[] Generate(int count, ulong seed, long first = 0, LatentPrior? prior = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var images = new float[checked(count * Metadata.ImageSize)];
        Generate(seed, first, images, prior);
        return images;
    }

    /// <summary>Decodes draws into the caller's memory; rows of a table are drawn from P(y|z), too.</summary>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <param name="images">Receives Float32 [N, C, ...], values in [0, 1] or in the data's units; its length determines N.</param>
    /// <param name="prior">The prior to draw from; the model's own <see cref="Prior"/> if omitted.</param>
    /// <exception cref="ArgumentException">The prior belongs to another model.</exception>
    /// <exception cref="InvalidOperationException">No prior is given, and the model's own is missing.</exception>
    public void Generate(ulong seed, long first, Span<float> images, LatentPrior? prior = null)
    {
        Arguments.RequireConditions(condition, first + (images.Length / Metadata.ImageSize));
        GenerateBlock(seed, first, images, Require(prior));
    }

    private void GenerateBlock(ulong seed, long first, Span<float> images, LatentPrior prior)
    {
        using var latents = new PooledArray(images.Length / Metadata.ImageSize * Metadata.LatentSize);
        prior.Draw(seed, first, latents.Span, condition);
        if (Metadata.Columns.Count == 0)
        {
            DecodeBlock(latents.Span, first, images);
            return;
        }

        int count = RequireRows(latents.Span, images.Length), size = Metadata.ImageSize;
        using var deviations = new PooledArray(images.Length);
        session.Run(
            "z", latents.Span, [count, Metadata.LatentSize], Arguments.RowsOf(Metadata, condition, first, count), ["image", ImputerNames.Deviation], ShapeOf(count), images, deviations.Span);
        for (int i = 0; i < count; i++)
        {
            RowDraws.Draw(Metadata.Columns, images.Slice(i * size, size), deviations.Span.Slice(i * size, size), seed, first + i);
        }
    }

    /// <summary>
    /// Generates any number of images as a stream, in order and in bounded memory. Image k has the same bytes whichever images are
    /// requested together with it.
    /// </summary>
    /// <param name="range">Which images.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="prior">The prior to draw from; the model's own <see cref="Prior"/> if omitted.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ArgumentException">The prior belongs to another model.</exception>
    /// <exception cref="InvalidOperationException">No prior is given, and the model's own is missing.</exception>
    public IAsyncEnumerable<ImageBlock> GenerateAsync(ImageRange range, ulong seed, LatentPrior? prior = null, CancellationToken cancellation = default) =>
        GenerateAsync(range, seed, static (first, images) => new ImageBlock(first, images.ToArray()), prior, cancellation);

    /// <summary>Generates a stream of results, one per block of images; the function runs on the threads that compute them.</summary>
    /// <param name="range">Which images.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="project">Maps a block of images, at most about a megabyte, to a result.</param>
    /// <param name="prior">The prior to draw from; the model's own <see cref="Prior"/> if omitted.</param>
    /// <param name="cancellation">Ends the stream.</param>
    /// <exception cref="ArgumentException">The prior belongs to another model.</exception>
    /// <exception cref="InvalidOperationException">No prior is given, and the model's own is missing.</exception>
    public IAsyncEnumerable<T> GenerateAsync<T>(
        ImageRange range, ulong seed, ImageProjection<T> project, LatentPrior? prior = null, CancellationToken cancellation = default)
    {
        prior = Require(prior);
        Arguments.RequireCondition(Metadata, condition);
        Arguments.RequireConditions(condition, range.End);
        int size = Metadata.ImageSize, blockSize = ImageBlocks.Size(size);
        return ImageBlocks.RunAsync(
            ImageBlocks.Of(range, blockSize), session.MaxConcurrentRuns,
            part =>
            {
                var (block, wanted) = part;
                using var images = new PooledArray(blockSize * size);
                GenerateBlock(seed, block, images.Span, prior);
                return project(block + wanted.Start.Value, images.Span[(wanted.Start.Value * size)..(wanted.End.Value * size)]);
            },
            cancellation);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (original is not null)
        {
            return;
        }

        session.Dispose();
        lock (opening)
        {
            prior?.Dispose();
        }
    }

    private LatentPrior Require(LatentPrior? prior)
    {
        prior ??= Prior;
        if (prior.LatentSize != Metadata.LatentSize)
        {
            throw new ArgumentException($"The prior has {prior.LatentSize} latents, but the decoder takes {Metadata.LatentSize}: give the one that was exported with it.", nameof(prior));
        }

        return ModelMetadata.AreAlike(prior.Weights, Metadata.Weights) ? prior : throw new ArgumentException(
            "The prior was made for the latents of other weights than the decoder's: give the one that was exported with it.", nameof(prior));
    }
}
