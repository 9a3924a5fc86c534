namespace OnnxVae.Inference;

/// <summary>Converts between stored pixels and the numbers that models take.</summary>
public static class Pixels
{
    /// <summary>0..255 to [0, 1].</summary>
    public static void ToFloat(ReadOnlySpan<byte> pixels, Span<float> values)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            values[i] = pixels[i] * (1f / 255f);
        }
    }

    /// <summary>[0, 1] to 0..255, rounded; numbers outside are clamped.</summary>
    public static void ToBytes(ReadOnlySpan<float> values, Span<byte> pixels)
    {
        for (int i = 0; i < values.Length; i++)
        {
            pixels[i] = (byte)(Math.Clamp(values[i], 0f, 1f) * 255f + 0.5f);
        }
    }
}
