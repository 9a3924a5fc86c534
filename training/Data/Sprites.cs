using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The factors of variation behind a sprite.</summary>
/// <param name="Shape">0 square, 1 ellipse, 2 heart.</param>
/// <param name="Scale">0..5: sizes 0.5 to 1.</param>
/// <param name="Orientation">0..39: a full turn.</param>
/// <param name="X">0..31, from left to right.</param>
/// <param name="Y">0..31, from top to bottom.</param>
public readonly record struct SpriteFactors(int Shape, int Scale, int Orientation, int X, int Y);

/// <summary>
/// White shapes on black, 64x64, one binary image for each of 3 shapes x 6 scales x 40 orientations x 32 x 32 positions,
/// drawn on demand, without anti-aliasing.
/// </summary>
/// <remarks>The generative process of dSprites (Matthey, Higgins, Hassabis and Lerchner 2017); with its numbering, but not its exact pixels.</remarks>
public sealed class Sprites : ImageSource
{
    /// <summary>The name of the source, given in place of a path.</summary>
    public const string Name = "sprites";

    private const int Side = 64;
    private const int Shapes = 3, Scales = 6, Orientations = 40, Positions = 32;
    private const double FirstCentre = 20, LastCentre = 44;
    private const double UnitInPixels = 14;
    private const double Reach = 1.35; // no point of a shape is farther from its center, in units

    /// <inheritdoc/>
    public override long Count => Shapes * Scales * Orientations * Positions * Positions;

    /// <inheritdoc/>
    public override ExampleShape Shape { get; } = new(1, Side, Side);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; } = ["square", "ellipse", "heart"];

    /// <inheritdoc/>
    public override int LabelOf(long index) => FactorsOf(index).Shape;

    /// <summary>The factors of an image; X and Y vary fastest, as in dSprites.</summary>
    public static SpriteFactors FactorsOf(long index)
    {
        (index, long y) = Math.DivRem(index, Positions);
        (index, long x) = Math.DivRem(index, Positions);
        (index, long orientation) = Math.DivRem(index, Orientations);
        (index, long scale) = Math.DivRem(index, Scales);
        return new SpriteFactors((int)index, (int)scale, (int)orientation, (int)x, (int)y);
    }

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)Count);
        pixels.Clear();
        var factors = FactorsOf(index);
        double size = UnitInPixels * (0.5 + (0.5 * factors.Scale / (Scales - 1)));
        var (sin, cos) = Math.SinCos(2 * Math.PI * factors.Orientation / Orientations);
        double centreX = Centre(factors.X), centreY = Centre(factors.Y), reach = Reach * size;
        for (int row = (int)Math.Max(0, centreY - reach); row < Math.Min(Side, centreY + reach); row++)
        {
            for (int column = (int)Math.Max(0, centreX - reach); column < Math.Min(Side, centreX + reach); column++)
            {
                double dx = (column + 0.5 - centreX) / size, dy = (row + 0.5 - centreY) / size;
                if (IsInside(factors.Shape, (cos * dx) + (sin * dy), (cos * dy) - (sin * dx)))
                {
                    pixels[(row * Side) + column] = 255;
                }
            }
        }
    }

    private static double Centre(int position) => FirstCentre + ((LastCentre - FirstCentre) * position / (Positions - 1));

    private static bool IsInside(int shape, double u, double v) => shape switch
    {
        0 => Math.Max(Math.Abs(u), Math.Abs(v)) <= 0.9,
        1 => (u * u / (1.25 * 1.25)) + (v * v / (0.65 * 0.65)) <= 1,
        _ => IsInsideHeart(u, 0.1 - v),
    };

    // The sextic (u^2 + v^2 - 1)^3 = u^2 v^3, here with its tip downwards.
    private static bool IsInsideHeart(double u, double v)
    {
        double circle = (u * u) + (v * v) - 1;
        return (circle * circle * circle) - (u * u * v * v * v) <= 0;
    }
}
