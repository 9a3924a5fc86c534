using System.Numerics;

namespace OnnxVae.Inference;

/// <summary>Converts between stored pixels and the floats that models take.</summary>
public static class Pixels
{
    private const float Largest = byte.MaxValue;

    /// <summary>0..255 to [0, 1].</summary>
    public static void ToFloat(ReadOnlySpan<byte> pixels, Span<float> values)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            values[i] = pixels[i] * (1f / Largest);
        }
    }

    /// <summary>[0, 1] to 0..255, rounded; values outside are clamped.</summary>
    public static void ToBytes(ReadOnlySpan<float> values, Span<byte> pixels)
    {
        int width = Vector<float>.Count, i = 0;
        for (; i <= values.Length - (4 * width); i += 4 * width)
        {
            var low = Vector.Narrow(Round(values[i..]), Round(values[(i + width)..]));
            var high = Vector.Narrow(Round(values[(i + (2 * width))..]), Round(values[(i + (3 * width))..]));
            Vector.Narrow(low, high).CopyTo(pixels[i..]);
        }

        for (; i < values.Length; i++)
        {
            pixels[i] = (byte)((Math.Clamp(values[i], 0f, 1f) * Largest) + 0.5f);
        }
    }

    private static Vector<uint> Round(ReadOnlySpan<float> values)
    {
        var clamped = Vector.Min(Vector.Max(new Vector<float>(values), Vector<float>.Zero), Vector<float>.One);
        return Vector.AsVectorUInt32(Vector.ConvertToInt32((clamped * Largest) + new Vector<float>(0.5f)));
    }
}
