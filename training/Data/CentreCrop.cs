using SkiaSharp;

namespace OnnxVae.Training.Data;

/// <summary>Brings images to a size.</summary>
internal static class CentreCrop
{
    /// <summary>Scales an image so that its shorter side fits, and takes the centre.</summary>
    /// <param name="image">The image, RGBA.</param>
    /// <param name="channels">1 for grey, 3 for colour.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <param name="pixels">Receives UInt8 [C, H, W].</param>
    /// <returns>Whether there was memory for it.</returns>
    public static bool TryScale(SKBitmap image, int channels, int height, int width, Span<byte> pixels)
    {
        double scale = Math.Max((double)height / image.Height, (double)width / image.Width);
        if (scale == 1)
        {
            CopyCentre(image, channels, height, width, pixels);
            return true;
        }

        using var scaled = image.Resize(
            new SKSizeI((int)Math.Ceiling(image.Width * scale), (int)Math.Ceiling(image.Height * scale)),
            new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        if (scaled is null)
        {
            return false;
        }

        CopyCentre(scaled, channels, height, width, pixels);
        return true;
    }

    private static void CopyCentre(SKBitmap image, int channels, int height, int width, Span<byte> pixels)
    {
        var rgba = image.GetPixelSpan();
        int top = (image.Height - height) / 2, left = (image.Width - width) / 2, plane = height * width;
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                var pixel = rgba.Slice(((top + row) * image.RowBytes) + ((left + column) * 4), 3);
                int at = (row * width) + column;
                if (channels == 1)
                {
                    pixels[at] = (byte)(((299 * pixel[0]) + (587 * pixel[1]) + (114 * pixel[2]) + 500) / 1000); // Rec. 601 luma
                }
                else
                {
                    (pixels[at], pixels[plane + at], pixels[(2 * plane) + at]) = (pixel[0], pixel[1], pixel[2]);
                }
            }
        }
    }
}
