using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using SkiaSharp;

namespace OnnxVae.Training.Reports;

/// <summary>Images side by side in one picture.</summary>
public static class ImageGrid
{
    private const int Gap = 2;
    private const int SmallestTile = 48; // smaller images are enlarged by an integer factor
    private const int LargestSide = 8192; // pixels along a side of the grid; larger grids are scaled down
    private const int Quality = 95; // of lossy formats

    private static readonly SKColor Background = new(0x40, 0x40, 0x40);

    /// <summary>Draws a grid, row by row.</summary>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <param name="channels">C; other than grayscale and color, channels are drawn next to each other.</param>
    /// <param name="height">H.</param>
    /// <param name="width">W.</param>
    /// <param name="columns">Images per row.</param>
    /// <param name="format">The format of the picture.</param>
    /// <returns>The bytes of a picture.</returns>
    public static byte[] Draw(
        ReadOnlySpan<float> images, int channels, int height, int width, int columns, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        int size = channels * height * width, count = images.Length / size;
        int rows = (count + columns - 1) / columns;
        var (tileHeight, tileWidth) = TileSize(height, PlanarPixels.WidthOf(channels, width), rows, columns);
        int stepX = tileWidth + Gap, stepY = tileHeight + Gap;
        using var bitmap = new SKBitmap((columns * stepX) + Gap, (rows * stepY) + Gap, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(Background);
        var sampling = tileHeight >= height ? new SKSamplingOptions(SKFilterMode.Nearest) : new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear);
        for (int i = 0; i < count; i++)
        {
            using var tile = ToBitmap(images.Slice(i * size, size), channels, height, width);
            using var image = SKImage.FromBitmap(tile);
            canvas.DrawImage(image, SKRect.Create(Gap + (i % columns * stepX), Gap + (i / columns * stepY), tileWidth, tileHeight), sampling);
        }

        return Encode(bitmap, format);
    }

    /// <summary>Writes a grid of a model's examples as a picture; the path's extension determines the format. Volumes are drawn as their middle slices, series and vectors as curves.</summary>
    /// <param name="path">The picture.</param>
    /// <param name="examples">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <param name="model">The model.</param>
    /// <param name="columns">Examples per row.</param>
    /// <exception cref="ArgumentException">The path does not name a picture in a writable format.</exception>
    public static void Save(string path, ReadOnlySpan<float> examples, ModelMetadata model, int columns)
    {
        ArgumentNullException.ThrowIfNull(model);
        var format = PictureFile.FormatOf(path);
        var (images, channels, height, width) = ExamplePictures.Of(examples, model);
        byte[] picture = Draw(images, channels, height, width, columns, format);
        AtomicFile.Write(path, stream => stream.Write(picture));
    }

    private static (int Height, int Width) TileSize(int height, int width, int rows, int columns)
    {
        int zoom = Math.Max(1, SmallestTile / Math.Max(height, width));
        double most = Math.Min((double)LargestSide / rows / height, (double)LargestSide / columns / width);
        return zoom <= most
            ? (height * zoom, width * zoom)
            : (Math.Max(1, (int)(height * Math.Min(1, most))), Math.Max(1, (int)(width * Math.Min(1, most))));
    }

    private static SKBitmap ToBitmap(ReadOnlySpan<float> image, int channels, int height, int width)
    {
        var pixels = new byte[image.Length];
        Pixels.ToBytes(image, pixels);
        return PlanarPixels.ToBitmap(pixels, channels, height, width);
    }

    private static byte[] Encode(SKBitmap bitmap, SKEncodedImageFormat format)
    {
        using var data = bitmap.Encode(format, Quality);
        return data.ToArray();
    }
}
