using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>The images of a source at another size or with other channels: the center, scaled.</summary>
/// <param name="source">The original images.</param>
/// <param name="channels">1 for grayscale, 3 for color.</param>
/// <param name="height">Rows of pixels.</param>
/// <param name="width">Columns of pixels.</param>
internal sealed class ScaledImages(ImageSource source, int channels, int height, int width) : DelegatingImageSource(source)
{
    /// <inheritdoc/>
    public override ExampleShape Shape { get; } = new(channels, height, width);

    /// <inheritdoc/>
    public override int BitDepth => 8;

    /// <inheritdoc/>
    /// <remarks>What is known of the images is known at their own size only.</remarks>
    public override int Segments => 0;

    /// <inheritdoc/>
    public override double? ConditionalEntropyOf(long index) => null;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        byte[] planar = new byte[Source.ImageSize], interleaved = new byte[Source.ImageSize];
        Source.Read(index, planar);
        int plane = Source.Height * Source.Width;
        for (int i = 0; i < planar.Length; i++)
        {
            interleaved[(i % plane * Source.Channels) + (i / plane)] = planar[i];
        }

        InterleavedPixels.Fit(interleaved, Source.Width, Source.Height, pixels, channels, width, height);
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values) => ReadPixels(index, values);
}
