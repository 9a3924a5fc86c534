using System.Numerics.Tensors;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>
/// Converts between interleaved pixels, as picture files have them (row by row, the channels of each pixel together), and planar images, as models take them.
/// </summary>
public static class InterleavedPixels
{
    private const int Opaque = byte.MaxValue;

    /// <summary>
    /// Brings a picture to a model's shape: scales it so that its shorter side fits, takes the center, and converts it to the model's channels.
    /// Training does the same with the images that it reads, so a model sees at inference what it was trained on.
    /// </summary>
    /// <remarks>Scaling uses a triangle filter over all pixels that an output pixel covers, as in Pillow's <c>BILINEAR</c>; grayscale is Rec. 601 luma.</remarks>
    /// <param name="pixels">UInt8 [H, W, K]: K is 1 for grayscale, 3 for RGB and 4 for RGBA, where transparent parts become black.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="model">The model, which determines the shape.</param>
    /// <returns>UInt8 [C, H, W], for <see cref="VaeEncoder.Encode(ReadOnlySpan{byte})"/>.</returns>
    /// <exception cref="ArgumentException">The number of bytes does not match a picture of this size.</exception>
    public static byte[] Fit(ReadOnlySpan<byte> pixels, int width, int height, ModelMetadata model)
    {
        ArgumentNullException.ThrowIfNull(model);
        RequirePictures(model);
        var image = new byte[model.ImageSize];
        Fit(pixels, width, height, image, model.Channels, model.Width, model.Height);
        return image;
    }

    /// <summary>Scales and crops a picture to any size.</summary>
    /// <param name="pixels">UInt8 [H, W, K], as above.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="image">Receives UInt8 [C, H, W].</param>
    /// <param name="imageChannels">1 for grayscale, 3 for color.</param>
    /// <param name="imageWidth">Width of the result in pixels.</param>
    /// <param name="imageHeight">Height of the result in pixels.</param>
    /// <inheritdoc cref="Fit(ReadOnlySpan{byte}, int, int, ModelMetadata)"/>
    public static void Fit(ReadOnlySpan<byte> pixels, int width, int height, Span<byte> image, int imageChannels, int imageWidth, int imageHeight)
    {
        int channels = ChannelsOf(pixels, width, height);
        RequirePicture(imageChannels);
        Arguments.RequireRoom(image.Length, 1, imageChannels * imageWidth * imageHeight, nameof(image));
        double scale = Math.Max((double)imageWidth / width, (double)imageHeight / height);
        var columns = TriangleFilter.Create(width, imageWidth, scale);
        var rows = TriangleFilter.Create(height, imageHeight, scale);
        int first = columns.First * channels, length = (columns.Last + 1 - columns.First) * channels;
        float[] line = new float[length], sum = new float[length];
        Span<float> rgb = stackalloc float[4];
        for (int y = 0; y < imageHeight; y++)
        {
            sum.AsSpan().Clear();
            foreach (var (row, weight) in rows[y])
            {
                ReadLine(pixels.Slice((row * width * channels) + first, length), channels, line);
                TensorPrimitives.MultiplyAdd(line, weight, sum, sum);
            }

            for (int x = 0; x < imageWidth; x++)
            {
                rgb.Clear();
                foreach (var (column, weight) in columns[x])
                {
                    int at = (column - columns.First) * channels;
                    for (int channel = 0; channel < channels; channel++)
                    {
                        rgb[channel] += weight * sum[at + channel];
                    }
                }

                Write(rgb, channels, image[((y * imageWidth) + x)..], imageChannels, imageWidth * imageHeight);
            }
        }
    }

    /// <summary>Converts a decoder's images to interleaved pixels.</summary>
    /// <param name="images">Float32 [N, C, H, W]; values outside [0, 1] are clamped.</param>
    /// <param name="model">The model, which determines the shape.</param>
    /// <param name="channels">K: 1 for grayscale, 3 for RGB, 4 for opaque RGBA.</param>
    /// <returns>N arrays of UInt8 [H, W, K].</returns>
    /// <exception cref="ArgumentException">The images do not have the model's shape, or there is no such number of channels.</exception>
    public static byte[][] FromImages(ReadOnlySpan<float> images, ModelMetadata model, int channels)
    {
        ArgumentNullException.ThrowIfNull(model);
        RequirePictures(model);
        int count = Arguments.RequireRows(images.Length, model.ImageSize, nameof(images), $"images of {model.ImageSize} ({model.Shape})");
        if (channels is not (1 or 3 or 4) || channels < model.Channels)
        {
            throw new ArgumentException($"Pictures of {model.Channels}-channel images cannot have {channels} channels; expected 1 for grayscale, 3 for RGB, 4 for RGBA.", nameof(channels));
        }

        var pictures = new byte[count][];
        int plane = model.Height * model.Width;
        var planar = new byte[model.ImageSize];
        for (int n = 0; n < count; n++)
        {
            Pixels.ToBytes(images.Slice(n * planar.Length, planar.Length), planar);
            pictures[n] = new byte[plane * channels];
            for (int i = 0; i < pictures[n].Length; i++)
            {
                var (pixel, channel) = Math.DivRem(i, channels);
                pictures[n][i] = channel == 3 ? (byte)Opaque : planar[model.Channels == 1 ? pixel : (channel * plane) + pixel];
            }
        }

        return pictures;
    }

    private static void RequirePictures(ModelMetadata model)
    {
        if (!model.IsImage || !model.IsUnitRange)
        {
            throw new ArgumentException($"The model's examples, {model.Shape}, are {(model.IsImage ? "images of numbers in units of their own" : "not images")}, and not pictures: take its arrays as they are.", nameof(model));
        }

        RequirePicture(model.Channels);
    }

    private static void RequirePicture(int channels)
    {
        if (channels is not (1 or 3))
        {
            throw new ArgumentException($"The model's images have {channels} channels; pictures have 1 or 3: take its arrays as they are.", nameof(channels));
        }
    }

    private static int ChannelsOf(ReadOnlySpan<byte> pixels, int width, int height)
    {
        long size = (long)width * height;
        return width > 0 && height > 0 && pixels.Length % size == 0 && pixels.Length / size is 1 or 3 or 4
            ? (int)(pixels.Length / size)
            : throw new ArgumentException($"There are {pixels.Length} bytes for {width} x {height} pixels; expected 1 byte per pixel for grayscale, 3 for RGB or 4 for RGBA.", nameof(pixels));
    }

    // Bytes to floats; colors are multiplied by their alpha.
    private static void ReadLine(ReadOnlySpan<byte> pixels, int channels, Span<float> line)
    {
        TensorPrimitives.ConvertTruncating(pixels, line);
        for (int i = 3; channels == 4 && i < pixels.Length; i += 4)
        {
            if (pixels[i] != Opaque)
            {
                for (int k = i - 3; k < i; k++)
                {
                    line[k] = ((pixels[k] * pixels[i]) + (Opaque / 2)) / Opaque;
                }
            }
        }
    }

    private static void Write(ReadOnlySpan<float> rgb, int channels, Span<byte> image, int imageChannels, int plane)
    {
        byte red = Round(rgb[0]), green = channels == 1 ? red : Round(rgb[1]), blue = channels == 1 ? red : Round(rgb[2]);
        if (imageChannels == 1)
        {
            image[0] = (byte)(((299 * red) + (587 * green) + (114 * blue) + 500) / 1000); // Rec. 601 luma
        }
        else
        {
            (image[0], image[plane], image[2 * plane]) = (red, green, blue);
        }
    }

    private static byte Round(float value) => (byte)Math.Clamp(value + 0.5f, 0f, byte.MaxValue);
}
