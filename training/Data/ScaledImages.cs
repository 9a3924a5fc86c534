using SkiaSharp;

namespace OnnxVae.Training.Data;

/// <summary>Images of a source in another size or with other channels: the centre, scaled.</summary>
/// <param name="source">The images as they are.</param>
/// <param name="channels">1 for grey, 3 for colour.</param>
/// <param name="height">Rows of pixels.</param>
/// <param name="width">Columns of pixels.</param>
internal sealed class ScaledImages(ImageSource source, int channels, int height, int width) : DelegatingImageSource(source)
{
    /// <inheritdoc/>
    public override int Channels => channels;

    /// <inheritdoc/>
    public override int Height => height;

    /// <inheritdoc/>
    public override int Width => width;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        var original = new byte[Source.ImageSize];
        Source.Read(index, original);
        using var bitmap = new SKBitmap(Source.Width, Source.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var map = bitmap.PeekPixels();
        var rgba = map.GetPixelSpan<byte>();
        int plane = Source.Height * Source.Width, step = Source.Channels == 1 ? 0 : plane;
        for (int i = 0; i < plane; i++)
        {
            (rgba[4 * i], rgba[(4 * i) + 1], rgba[(4 * i) + 2], rgba[(4 * i) + 3]) = (original[i], original[step + i], original[(2 * step) + i], byte.MaxValue);
        }

        if (!CentreCrop.TryScale(bitmap, channels, height, width, pixels))
        {
            throw new CorruptImageException(NameOf(index), $"cannot be scaled to {width} x {height} pixels");
        }
    }
}
