using SkiaSharp;

namespace OnnxVae.Training.Data;

/// <summary>Converts planar images, as models take them, to interleaved pixels, as files have them.</summary>
public static class PlanarPixels
{
    /// <summary>Converts an image to a bitmap, to be encoded: in grayscale or color, or, for other numbers of channels, these next to each other in grayscale.</summary>
    /// <param name="pixels">UInt8 [C, H, W].</param>
    /// <param name="channels">C.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public static SKBitmap ToBitmap(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        if (channels is not (1 or 3))
        {
            return ToBitmap(SideBySide(pixels, channels, height, width), channels: 1, height, WidthOf(channels, width));
        }

        var bitmap = new SKBitmap(width, height, channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var map = bitmap.PeekPixels();
        var target = map.GetPixelSpan<byte>();
        int plane = height * width, stride = channels == 1 ? 1 : 4;
        for (int row = 0; row < height; row++)
        {
            var line = target.Slice(row * bitmap.RowBytes, width * stride);
            var source = pixels[(row * width)..];
            if (channels == 1)
            {
                source[..width].CopyTo(line);
                continue;
            }

            for (int column = 0; column < width; column++)
            {
                (line[4 * column], line[(4 * column) + 1], line[(4 * column) + 2], line[(4 * column) + 3]) =
                    (source[column], source[plane + column], source[(2 * plane) + column], byte.MaxValue);
            }
        }

        return bitmap;
    }

    /// <summary>The width of an image's bitmap, in pixels.</summary>
    /// <param name="channels">C.</param>
    /// <param name="width">W.</param>
    public static int WidthOf(int channels, int width) => channels is 1 or 3 ? width : channels * width;

    private static byte[] SideBySide(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        var arranged = new byte[pixels.Length];
        for (int line = 0; line < channels * height; line++)
        {
            var (channel, row) = Math.DivRem(line, height);
            pixels.Slice(line * width, width).CopyTo(arranged.AsSpan((row * channels * width) + (channel * width)));
        }

        return arranged;
    }
}
