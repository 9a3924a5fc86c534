using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace OnnxVae.Inference.ImageSharp;

/// <summary>Converts ImageSharp images to encoder inputs and decoder outputs to ImageSharp images.</summary>
public static class ImageSharpPictures
{
    /// <summary>
    /// Scales and crops a picture to a model's size and channels, as training did with its images
    /// (<see cref="InterleavedPixels.Fit(ReadOnlySpan{byte}, int, int, ModelMetadata)"/>).
    /// </summary>
    /// <param name="picture">
    /// The picture, of any size and pixel format, the right way up: <c>Image.Load</c> ignores the Exif orientation of photographs, which training applies;
    /// <c>picture.Mutate(x => x.AutoOrient())</c> rotates them. For an animation, the first frame is used.
    /// </param>
    /// <param name="model">The model: <c>encoder.Metadata</c>.</param>
    /// <returns>UInt8 [C, H, W], for <see cref="VaeEncoder.Encode(ReadOnlySpan{byte})"/>; to encode several pictures at once, concatenate their arrays.</returns>
    public static byte[] ToPixels(this Image picture, ModelMetadata model)
    {
        ArgumentNullException.ThrowIfNull(picture);
        using var converted = picture is Image<Rgba32> ? null : picture.CloneAs<Rgba32>();
        var pixels = new byte[4L * picture.Width * picture.Height];
        (converted ?? (Image<Rgba32>)picture).CopyPixelDataTo(pixels);
        return InterleavedPixels.Fit(pixels, picture.Width, picture.Height, model);
    }

    /// <summary>Converts a decoder's images to pictures.</summary>
    /// <param name="model">The model: <c>decoder.Metadata</c>.</param>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1], as returned by the decoder.</param>
    /// <returns>N pictures, <see cref="L8"/> or <see cref="Rgb24"/>; the caller disposes them.</returns>
    /// <exception cref="ArgumentException">The images do not have the model's shape.</exception>
    public static Image[] ToPictures(this ModelMetadata model, ReadOnlySpan<float> images)
    {
        ArgumentNullException.ThrowIfNull(model);
        return [.. InterleavedPixels.FromImages(images, model, model.Channels).Select(Image (pixels) => model.Channels == 1
            ? Image.LoadPixelData<L8>(pixels, model.Width, model.Height)
            : Image.LoadPixelData<Rgb24>(pixels, model.Width, model.Height))];
    }
}
