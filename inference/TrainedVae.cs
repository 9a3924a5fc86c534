using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>The exported encoder and decoder of a VAE, with its learned prior if it has one. Safe to use from several threads.</summary>
/// <example><code>
/// using var vae = TrainedVae.Load("runs/digits/export");
/// float[] reconstructions = vae.Reconstruct(images);
/// </code></example>
public sealed class TrainedVae : IDisposable
{
    private readonly bool isView;

    private TrainedVae(VaeEncoder encoder, VaeDecoder decoder, LatentPrior prior, bool isView = false) =>
        (Encoder, Decoder, Prior, this.isView) = (encoder, decoder, prior, isView);

    /// <summary>Images to latents.</summary>
    public VaeEncoder Encoder { get; }

    /// <summary>Latents to images.</summary>
    public VaeDecoder Decoder { get; }

    /// <summary>
    /// The prior that the model was trained with. If latents are codes, the prior that was trained on them; without one, codes are drawn
    /// uniformly, which does not give recognizable images.
    /// </summary>
    public LatentPrior Prior { get; }

    /// <summary>Loads <c>encoder.onnx</c>, <c>decoder.onnx</c> and the learned prior, if there is one.</summary>
    /// <param name="folder">Their folder.</param>
    /// <param name="options">Where and how to run; all CPU threads if omitted.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is not an ONNX model or is of another kind, or the files belong to different models.</exception>
    public static TrainedVae Load(string folder, VaeOptions? options = null)
    {
        VaeEncoder? encoder = null;
        VaeDecoder? decoder = null;
        LatentPrior? prior = null;
        try
        {
            encoder = VaeEncoder.Load(Path.Combine(folder, ExportedFiles.Encoder), options);
            decoder = VaeDecoder.Load(Path.Combine(folder, ExportedFiles.Decoder), options);
            var (from, to) = (encoder.Metadata, decoder.Metadata);
            if (from.LatentSize != to.LatentSize || !from.Axes.SequenceEqual(to.Axes))
            {
                throw new InvalidDataException(
                    $"Encoder and decoder in '{folder}' belong to different models: {from.LatentSize} latents of {from.Shape}, and {to.LatentSize} of {to.Shape}. Export both from one run.");
            }

            if (!ModelMetadata.AreAlike(from.Weights, to.Weights))
            {
                throw new InvalidDataException($"Encoder and decoder in '{folder}' have weights of different runs, or of different times. Export both from one run.");
            }

            prior = to.HasCodes && !TrainedCodePrior.IsIn(folder, to) ? LatentPrior.Load(Path.Combine(folder, LatentPrior.FileName), options) : LatentPrior.OfModel(folder, to, options);
            return prior.LatentSize == from.LatentSize && ModelMetadata.AreAlike(prior.Weights, to.Weights) ? new TrainedVae(encoder, decoder, prior) : throw new InvalidDataException(
                $"The prior in '{folder}' is of another model than the decoder next to it. Export both from one run.");
        }
        catch
        {
            encoder?.Dispose();
            decoder?.Dispose();
            prior?.Dispose();
            throw;
        }
    }

    /// <summary>A conditional model with its condition: used like any model, over the same loaded files, which are disposed with the original.</summary>
    /// <param name="condition">What each image is given, from <see cref="ModelMetadata.Condition"/>; row k is that of image k.</param>
    /// <exception cref="ArgumentException">The condition does not fit the model, or the model takes none.</exception>
    public TrainedVae Given(Condition condition) => new(Encoder.Given(condition), Decoder.Given(condition), Prior, isView: true);

    /// <summary>A model that is conditional on a class, with the class.</summary>
    /// <param name="name">The class.</param>
    /// <exception cref="ArgumentException">The model knows no such class, or it is not conditional on a class.</exception>
    public TrainedVae GivenClass(string name) => Given(
        (Decoder.Metadata.Condition ?? throw new ArgumentException("The model takes no condition, so it cannot be given a class.", nameof(name))).OfClass(name));

    /// <summary>Decodes draws from the prior. Image k depends on the seed and on k alone.</summary>
    /// <param name="count">How many images.</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="first">The number of the first image.</param>
    /// <returns>Float32 [N, C, ...], values in [0, 1] or in the data's units.</returns>
    /// <exception cref="InvalidOperationException">The latents are codes, and no prior was trained on them.</exception>
    public float[] Generate(int count, ulong seed, long first = 0) => Decoder.Metadata.HasCodes && Prior is not TrainedCodePrior
        ? throw new InvalidOperationException("The model's latents are codes, and there is no prior of them next to the decoder: train one for each level.")
        : Decoder.Generate(count, seed, first, Prior);

    /// <summary>Encodes and decodes images; latents are the posterior means.</summary>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <returns>Float32 [N, C, ...], values in [0, 1] or in the data's units.</returns>
    /// <exception cref="ArgumentException">The length is wrong, or values are outside their range.</exception>
    public float[] Reconstruct(ReadOnlySpan<float> images) => Decoder.Decode(Encoder.Encode(images).Mean);

    /// <summary>Reconstructs any number of images as a stream, in order and in bounded memory.</summary>
    /// <param name="range">Which images.</param>
    /// <param name="read">Reads them.</param>
    /// <param name="project">Maps a block of reconstructions to a result, on the thread that computed them.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public IAsyncEnumerable<T> ReconstructAsync<T>(ImageRange range, ImageReader read, ImageProjection<T> project, CancellationToken cancellation = default)
    {
        var (latents, size, blockSize) = (Decoder.Metadata.LatentSize, Decoder.Metadata.ImageSize, ImageBlocks.Size(Decoder.Metadata.ImageSize));
        return Encoder.EncodeAsync(
            range, read,
            (first, mean, _) =>
            {
                // Whole blocks here too: each mean keeps its position in the encoder's block.
                using PooledArray z = new(blockSize * latents), images = new(blockSize * size);
                int start = (int)(first % blockSize), count = mean.Length / latents;
                z.Span.Clear();
                mean.CopyTo(z.Span[(start * latents)..]);
                Decoder.DecodeBlock(z.Span, first / blockSize * blockSize, images.Span);
                return project(first, images.Span.Slice(start * size, count * size));
            },
            cancellation);
    }

    /// <summary>Interpolates between two images in latent space.</summary>
    /// <param name="from">Float32 [C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="to">Float32 [C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="steps">Number of images, including both ends; at least 2.</param>
    /// <param name="path">The kind of path; <see cref="LatentPath.Spherical"/> if omitted.</param>
    /// <returns>Float32 [steps, C, ...], likewise.</returns>
    /// <exception cref="ArgumentException">A length is wrong, values are outside their range, or there are fewer than two steps.</exception>
    public float[] Interpolate(ReadOnlySpan<float> from, ReadOnlySpan<float> to, int steps, LatentPathKind path = LatentPathKind.Spherical)
    {
        var (a, b) = (Encoder.Encode(from).Mean, Encoder.Encode(to).Mean);
        return Decoder.Decode(path == LatentPathKind.Spherical ? LatentPath.Spherical(a, b, steps) : LatentPath.Linear(a, b, steps));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isView)
        {
            return;
        }

        Encoder.Dispose();
        Decoder.Dispose();
        Prior.Dispose();
    }
}
