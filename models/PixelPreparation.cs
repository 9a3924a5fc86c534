using OnnxVae.Format;

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
        $"{ValuesOf(example.Scaling)}{(example.Pixels == PixelPreparation.Grey ? "" : $", then made 0 or 1: {example.Pixels}")}";

    private static string ValuesOf(Scaling? scaling) => scaling switch
    {
        null => "UInt8, divided by 255 in the graph",
        { IsUnitRange: true } => "Float32 in [0, 1]",
        { Kind: ScalingKind.Standard } => "Float32, brought to mean 0 and standard deviation 1 in the graph",
        { Kind: ScalingKind.MinMax } => "Float32, brought to the range from 0 to 1 in the graph",
        _ => "Float32",
    };
}
