using OnnxVae.Inference;

namespace OnnxVae.Training.Reports;

/// <summary>Examples as images in grayscale or color, whatever they are: the middle slice of volumes, and curves of series and of the columns of vectors.</summary>
internal static class ExamplePictures
{
    private const int StripHeight = 32; // of one channel's curve
    private const int LeastWidth = 64;
    private const int MostWidth = 256;
    private const float Deviations = 3; // that are shown, on either side of the mean

    /// <summary>The values of examples that are left black.</summary>
    public const float Nothing = float.NaN;

    /// <summary>Draws examples.</summary>
    /// <param name="examples">Float32 [N, C, ...], in the data's units.</param>
    /// <param name="model">The model that they are for.</param>
    /// <returns>Float32 [N, C, H, W] in [0, 1], with the numbers of channels, rows and columns.</returns>
    public static (float[] Images, int Channels, int Height, int Width) Of(ReadOnlySpan<float> examples, ModelMetadata model)
    {
        float[] shown = InRange(examples, model);
        if (model.IsImage)
        {
            BlackenGaps(shown);
            return (shown, model.Channels, model.Height, model.Width);
        }

        int size = model.ImageSize, count = shown.Length / size;
        if (model.Axes is [_, var depth, _, _])
        {
            int plane = model.Height * model.Width;
            BlackenGaps(shown);
            return ([.. Enumerable.Range(0, count * model.Channels).SelectMany(i => shown.Skip(((i * depth) + (depth / 2)) * plane).Take(plane))], model.Channels, model.Height, model.Width);
        }

        var (strips, length) = model.Axes.Count == 1 ? (1, size) : (model.Channels, model.Width);
        int width = Math.Clamp(length, LeastWidth, MostWidth), height = strips * StripHeight;
        var images = new float[count * height * width];
        for (int i = 0; i < count * strips; i++)
        {
            if (!float.IsNaN(shown[i * length]))
            {
                DrawCurve(shown.AsSpan(i * length, length), images.AsSpan(i * StripHeight * width, StripHeight * width), width);
            }
        }

        return (images, 1, height, width);
    }

    private static void BlackenGaps(Span<float> values)
    {
        foreach (ref float value in values)
        {
            value = float.IsNaN(value) ? 0 : value;
        }
    }

    // Every column of the picture shows the range of the values that fall into it, from the last one before.
    private static void DrawCurve(ReadOnlySpan<float> values, Span<float> strip, int width)
    {
        int last = -1;
        for (int x = 0; x < width; x++)
        {
            int first = (int)((long)x * values.Length / width), end = Math.Max(first + 1, (int)((long)(x + 1) * values.Length / width));
            int lowest = int.MaxValue, highest = -1;
            for (int i = first; i < end; i++)
            {
                int y = Math.Clamp((int)((1 - values[i]) * (StripHeight - 1)), 0, StripHeight - 1);
                (lowest, highest) = (Math.Min(lowest, y), Math.Max(highest, y));
            }

            int ending = Math.Clamp((int)((1 - values[end - 1]) * (StripHeight - 1)), 0, StripHeight - 1);
            (lowest, highest) = last < 0 ? (lowest, highest) : (Math.Min(lowest, last), Math.Max(highest, last));
            for (int y = lowest; y <= highest; y++)
            {
                strip[(y * width) + x] = 1;
            }

            last = ending;
        }
    }

    // In [0, 1]: by the model's own scale of each channel, or else by the values of these examples.
    private static float[] InRange(ReadOnlySpan<float> examples, ModelMetadata model)
    {
        float[] shown = examples.ToArray();
        if (model.IsUnitRange)
        {
            return shown;
        }

        int size = model.ImageSize, perChannel = size / model.Channels;
        for (int channel = 0; channel < model.Channels; channel++)
        {
            var (smallest, range) = RangeOf(examples, model, channel);
            for (int i = channel * perChannel; i < shown.Length; i += size)
            {
                foreach (ref float value in shown.AsSpan(i, perChannel))
                {
                    value = Math.Clamp((value - smallest) / range, 0, 1);
                }
            }
        }

        return shown;
    }

    private static (float Smallest, float Range) RangeOf(ReadOnlySpan<float> examples, ModelMetadata model, int channel)
    {
        if (model.Scaling is { } scaling)
        {
            var (offset, scale) = (scaling.Offsets[channel], scaling.Scales[channel]);
            return scaling.IsStandard ? (offset - (Deviations * scale), 2 * Deviations * scale) : (offset, scale);
        }

        int size = model.ImageSize, perChannel = size / model.Channels;
        float smallest = float.PositiveInfinity, largest = float.NegativeInfinity;
        for (int i = channel * perChannel; i < examples.Length; i += size)
        {
            foreach (float value in examples.Slice(i, perChannel))
            {
                (smallest, largest) = float.IsNaN(value) ? (smallest, largest) : (Math.Min(smallest, value), Math.Max(largest, value));
            }
        }

        return (smallest, largest > smallest ? largest - smallest : 1);
    }
}
