using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;
using static OnnxVae.Format.LumaChroma;

namespace OnnxVae.Models.Colorization;

/// <summary>Colors as luminance x and chroma y, by a linear transform that can be undone: y is what a grayscale picture does not show.</summary>
/// <remarks>YCbCr of ITU-R BT.601 without its offsets: x = 0.299 R + 0.587 G + 0.114 B, y = (0.564 (B - x), 0.713 (R - x)).</remarks>
public static class Chroma
{
    /// <summary>The number of chroma channels.</summary>
    public const int Channels = 2;

    /// <summary>Splits images.</summary>
    /// <param name="rgb">Float32 [N, 3, H, W].</param>
    /// <returns>Luminance, [N, 1, H, W], and chroma, [N, 2, H, W].</returns>
    public static (Value Luminance, Value Chroma) Split(Value rgb)
    {
        var (red, green, blue) = (Slice(rgb, 1, 0, 1), Slice(rgb, 1, 1, 2), Slice(rgb, 1, 2, 3));
        var x = (Red * red) + (Green * green) + (Blue * blue);
        return (x, Concat(1, BlueScale * (blue - x), RedScale * (red - x)));
    }

    /// <summary>Joins luminance and chroma to images.</summary>
    /// <param name="luminance">Float32 [N, 1, H, W].</param>
    /// <param name="chroma">Float32 [N, 2, H, W].</param>
    /// <returns>Float32 [N, 3, H, W].</returns>
    public static Value Join(Value luminance, Value chroma)
    {
        var blue = luminance + ((1 / BlueScale) * Slice(chroma, 1, 0, 1));
        var red = luminance + ((1 / RedScale) * Slice(chroma, 1, 1, 2));
        return Concat(1, red, (luminance - (Red * red) - (Blue * blue)) * (1 / Green), blue);
    }
}
