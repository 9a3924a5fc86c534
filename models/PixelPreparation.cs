namespace OnnxVae.Models;

/// <summary>How 8-bit pixels are prepared for the model.</summary>
public enum PixelPreparation
{
    /// <summary>Numbers in [0, 1]: pixel / 255.</summary>
    Grey,

    /// <summary>0 or 1: whether the pixel is above one half.</summary>
    Threshold,

    /// <summary>0 or 1, drawn with the pixel as the probability of 1, anew each time the image is seen. Salakhutdinov and Murray 2008.</summary>
    Sampled,
}

/// <summary>Descriptions of pixel preparations.</summary>
internal static class PixelPreparations
{
    /// <summary>In words.</summary>
    public static string DescribePixels(this Example example) =>
        $"{(example.IsReal ? "Float32 in [0, 1]" : "UInt8, divided by 255 in the graph")}{(example.Pixels == PixelPreparation.Grey ? "" : $", then made 0 or 1: {example.Pixels}")}";
}
