namespace OnnxVae.Format;

/// <summary>
/// Luminance x and chroma y of colors, YCbCr of ITU-R BT.601 without its offsets: x = 0.299 R + 0.587 G + 0.114 B, y = (0.564 (B - x), 0.713 (R - x)).
/// </summary>
internal static class LumaChroma
{
    /// <summary>The share of red in the luminance.</summary>
    public const float Red = 0.299f;

    /// <summary>The share of green.</summary>
    public const float Green = 0.587f;

    /// <summary>The share of blue.</summary>
    public const float Blue = 0.114f;

    /// <summary>The factor of B - x.</summary>
    public const float BlueScale = 0.564f;

    /// <summary>The factor of R - x.</summary>
    public const float RedScale = 0.713f;
}
