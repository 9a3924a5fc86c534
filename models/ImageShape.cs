namespace OnnxVae.Models;

/// <summary>The shape of one image.</summary>
/// <param name="Channels">1 for grayscale, 3 for color.</param>
/// <param name="Height">Rows of pixels.</param>
/// <param name="Width">Columns of pixels.</param>
public readonly record struct ImageShape(int Channels, int Height, int Width)
{
    /// <summary>Number of values in an image, d in the formulas.</summary>
    public int Dimensions => Channels * Height * Width;
}
