using OnnxVae.Exporters;
using SkiaSharp;

namespace OnnxVae.Training.Reports;

/// <summary>Images side by side as one PNG.</summary>
public static class ImageGrid
{
    private const int Gap = 2;
    private const int SmallestTile = 48; // Smaller images are enlarged by a whole factor.

    private static readonly SKColor Background = new(0x40, 0x40, 0x40);

    /// <summary>Draws a grid, row by row.</summary>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <param name="channels">C, 1 or 3.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="columns">Images per row.</param>
    /// <returns>The bytes of a PNG.</returns>
    public static byte[] ToPng(ReadOnlySpan<float> images, int channels, int height, int width, int columns)
    {
        int size = channels * height * width, count = images.Length / size;
        int rows = (count + columns - 1) / columns, zoom = Math.Max(1, SmallestTile / Math.Min(height, width));
        int stepX = (width * zoom) + Gap, stepY = (height * zoom) + Gap;
        using var bitmap = new SKBitmap((columns * stepX) + Gap, (rows * stepY) + Gap, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(Background);
        for (int i = 0; i < count; i++)
        {
            using var tile = ToBitmap(images.Slice(i * size, size), channels, height, width);
            int left = Gap + (i % columns * stepX), top = Gap + (i / columns * stepY);
            using var image = SKImage.FromBitmap(tile);
            canvas.DrawImage(image, SKRect.Create(left, top, width * zoom, height * zoom), new SKSamplingOptions(SKFilterMode.Nearest));
        }

        return Encode(bitmap);
    }

    /// <summary>Writes a grid as a PNG file.</summary>
    /// <inheritdoc cref="ToPng"/>
    public static void Save(string path, ReadOnlySpan<float> images, int channels, int height, int width, int columns)
    {
        byte[] png = ToPng(images, channels, height, width, columns);
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>Encodes one image as PNG.</summary>
    /// <param name="image">Float32 [C, H, W], values in [0, 1].</param>
    /// <param name="channels">C, 1 or 3.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    public static byte[] ImageToPng(ReadOnlySpan<float> image, int channels, int height, int width)
    {
        using var bitmap = ToBitmap(image, channels, height, width);
        return Encode(bitmap);
    }

    private static SKBitmap ToBitmap(ReadOnlySpan<float> image, int channels, int height, int width)
    {
        var pixels = new byte[image.Length];
        Inference.Pixels.ToBytes(image, pixels);
        var bitmap = new SKBitmap(width, height, channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888, SKAlphaType.Opaque);
        int plane = height * width, last = channels - 1;
        for (int i = 0; i < plane; i++)
        {
            // Grey is red, green and blue alike.
            bitmap.SetPixel(i % width, i / width, new SKColor(pixels[i], pixels[(Math.Min(1, last) * plane) + i], pixels[(last * plane) + i]));
        }

        return bitmap;
    }

    private static byte[] Encode(SKBitmap bitmap)
    {
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return data.ToArray();
    }
}
