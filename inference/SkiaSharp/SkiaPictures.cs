using System.Runtime.InteropServices;
using SkiaSharp;

namespace OnnxVae.Inference.SkiaSharp;

/// <summary>Converts SkiaSharp bitmaps to encoder inputs and decoder outputs to bitmaps.</summary>
public static class SkiaPictures
{
    /// <summary>
    /// Scales and crops a bitmap to a model's size and channels, as training did with its images
    /// (<see cref="InterleavedPixels.Fit(ReadOnlySpan{byte}, int, int, ModelMetadata)"/>).
    /// </summary>
    /// <param name="bitmap">
    /// The picture, of any size and color type, the right way up: <c>SKBitmap.Decode</c> ignores the Exif orientation of photographs, which training applies.
    /// </param>
    /// <param name="model">The model: <c>encoder.Metadata</c>.</param>
    /// <returns>UInt8 [C, H, W], for <see cref="VaeEncoder.Encode(ReadOnlySpan{byte})"/>; to encode several pictures at once, concatenate their arrays.</returns>
    /// <exception cref="ArgumentException">The bitmap has no pixels.</exception>
    public static byte[] ToPixels(this SKBitmap bitmap, ModelMetadata model)
    {
        ArgumentNullException.ThrowIfNull(bitmap);
        var rgba = new byte[4L * bitmap.Width * bitmap.Height];
        var info = new SKImageInfo(bitmap.Width, bitmap.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var pinned = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            using var pixels = bitmap.PeekPixels();
            if (pixels is null || !pixels.ReadPixels(info, pinned.AddrOfPinnedObject(), info.RowBytes))
            {
                throw new ArgumentException("The bitmap has no pixels: give one that was decoded or drawn.", nameof(bitmap));
            }
        }
        finally
        {
            pinned.Free();
        }

        return InterleavedPixels.Fit(rgba, bitmap.Width, bitmap.Height, model);
    }

    /// <summary>Converts a decoder's images to bitmaps.</summary>
    /// <param name="model">The model: <c>decoder.Metadata</c>.</param>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1], as returned by the decoder.</param>
    /// <returns>N bitmaps, Gray8 or Rgba8888; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">The images do not have the model's shape.</exception>
    public static SKBitmap[] ToBitmaps(this ModelMetadata model, ReadOnlySpan<float> images)
    {
        ArgumentNullException.ThrowIfNull(model);
        var (colours, channels) = model.Channels == 1 ? (SKColorType.Gray8, 1) : (SKColorType.Rgba8888, 4);
        return [.. InterleavedPixels.FromImages(images, model, channels).Select(picture =>
        {
            var bitmap = new SKBitmap(model.Width, model.Height, colours, SKAlphaType.Opaque);
            using var map = bitmap.PeekPixels();
            var pixels = map.GetPixelSpan<byte>();
            int line = model.Width * channels;
            for (int row = 0; row < model.Height; row++)
            {
                picture.AsSpan(row * line, line).CopyTo(pixels[(row * bitmap.RowBytes)..]);
            }

            return bitmap;
        })];
    }
}
