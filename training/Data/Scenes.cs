using OnnxVae.Format;
using OnnxVae.Inference;
using static OnnxVae.Format.LumaChroma;

namespace OnnxVae.Training.Data;

/// <summary>
/// Colored scenes, 32 x 32, drawn on demand: up to four rectangles on a dark ground, one in each quadrant. The class of a rectangle is whether it is
/// narrow or wide and whether it is low or high, which takes a wide context to see; its luminance says nothing about it. Given the class, the chroma of
/// every pixel is an independent draw from the class's Gaussian, so that the entropy of the colors given the grayscale image is known.
/// </summary>
/// <remarks>
/// Values are real numbers, and may lie outside [0, 1]: nothing is rounded or clipped on the way to the model. In the second variant each pixel of a
/// rectangle has a class of its own, drawn at random, that no grayscale image tells.
/// </remarks>
/// <param name="isRandom">Whether the class of each pixel is drawn at random.</param>
public sealed class Scenes(bool isRandom = false) : ImageSource
{
    /// <summary>The name of the source, given in place of a path.</summary>
    public const string Name = "scenes";

    /// <summary>The name of the variant with random classes.</summary>
    public const string RandomName = "scenes-random";

    /// <summary>The standard deviation of both chroma values of a pixel.</summary>
    public const double Sigma = 0.05;

    /// <summary>How far the mean chroma of the classes is from gray.</summary>
    public const double Radius = 0.25;

    private const int Side = 32, Quadrant = Side / 2, Kinds = 4, GroundClass = 0;
    private const int ShortFrom = 4, LongFrom = 10, Lengths = 3; // 4 to 6, 10 to 12
    private const double LeastLuminance = 0.35, LuminanceRange = 0.55, GroundRange = 0.2;
    private const uint LayoutStream = 0x7363, ClassStream = 0x7364, ChromaStream = 0x7365;
    private const ulong Seed = 0x5CE9E5;
    private const int Draws = 7; // per rectangle

    /// <inheritdoc/>
    public override long Count => 100_000;

    /// <inheritdoc/>
    public override ExampleShape Shape { get; } = new(3, Side, Side);

    /// <inheritdoc/>
    /// <remarks>The ground, and four kinds of rectangles.</remarks>
    public override int Segments => 1 + Kinds;

    /// <summary>The entropy of the chroma of a ground pixel, and of others if their class is known: ln 2 pi e sigma^2, nats.</summary>
    public static double EntropyOfClass => Math.Log(2 * Math.PI * Math.E * Sigma * Sigma);

    /// <inheritdoc/>
    public override double? ConditionalEntropyOf(long index)
    {
        if (!isRandom)
        {
            return Side * Side * EntropyOfClass;
        }

        var segments = new byte[Side * Side];
        ReadSegments(index, segments);
        int colored = segments.Count(segment => segment != GroundClass);
        return (((Side * Side) - colored) * EntropyOfClass) + (colored * MixtureEntropy.Value);
    }

    /// <inheritdoc/>
    public override void ReadSegments(long index, Span<byte> segments) => Draw(index, segments, luminance: default);

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        Span<byte> segments = new byte[Side * Side];
        Span<float> luminance = new float[Side * Side], eps = new float[2 * Side * Side];
        Draw(index, segments, luminance);
        Philox.FillStandardNormal(eps, Seed, ChromaStream, (ulong)index);
        for (int i = 0; i < segments.Length; i++)
        {
            var (meanBlue, meanRed) = MeanOf(segments[i]);
            double x = luminance[i], chromaBlue = meanBlue + (Sigma * eps[2 * i]), chromaRed = meanRed + (Sigma * eps[(2 * i) + 1]);
            double blue = x + (chromaBlue / BlueScale), red = x + (chromaRed / RedScale);
            values[i] = (float)red;
            values[segments.Length + i] = (float)((x - (Red * red) - (Blue * blue)) / Green);
            values[(2 * segments.Length) + i] = (float)blue;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Rounded and clipped, for pictures.</remarks>
    public override void Read(long index, Span<byte> pixels)
    {
        var values = new float[ImageSize];
        ReadValues(index, values);
        Pixels.ToBytes(values, pixels);
    }

    /// <summary>The mean chroma of a segment.</summary>
    /// <param name="segment">0 for the ground.</param>
    public static (double Blue, double Red) MeanOf(int segment)
    {
        if (segment == GroundClass)
        {
            return (0, 0);
        }

        var (sin, cos) = Math.SinCos(2 * Math.PI * (segment - 0.5) / Kinds);
        return (Radius * cos, Radius * sin);
    }

    // Four classes with equal probability: -E ln of the mixture, by the trapezoidal rule in both directions.
    private static readonly Lazy<double> MixtureEntropy = new(() =>
    {
        const int steps = 600;
        double reach = Radius + (8 * Sigma), step = 2 * reach / steps, sum = 0;
        for (int i = 0; i <= steps; i++)
        {
            for (int j = 0; j <= steps; j++)
            {
                double density = MixtureDensity((i * step) - reach, (j * step) - reach);
                sum -= density > 0 ? density * Math.Log(density) : 0;
            }
        }

        return sum * step * step;
    });

    private static double MixtureDensity(double blue, double red) => Enumerable.Range(1, Kinds).Average(segment =>
    {
        var (meanBlue, meanRed) = MeanOf(segment);
        return Math.Exp(-(((blue - meanBlue) * (blue - meanBlue)) + ((red - meanRed) * (red - meanRed))) / (2 * Sigma * Sigma)) / (2 * Math.PI * Sigma * Sigma);
    });

    private void Draw(long index, Span<byte> segments, Span<float> luminance)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)Count);
        segments.Clear();
        Span<float> draws = new float[1 + (Draws * 4)], classes = new float[isRandom ? segments.Length : 0];
        Philox.FillUniform(draws, Seed, LayoutStream, (ulong)index);
        Philox.FillUniform(classes, Seed, ClassStream, (ulong)index);
        luminance.Fill((float)(GroundRange * draws[0]));
        for (int quadrant = 0; quadrant < 4; quadrant++)
        {
            var own = draws.Slice(1 + (quadrant * Draws), Draws);
            var (isWide, isHigh) = (own[0] < 0.5f, own[1] < 0.5f);
            int width = (isWide ? LongFrom : ShortFrom) + (int)(own[2] * Lengths), height = (isHigh ? LongFrom : ShortFrom) + (int)(own[3] * Lengths);
            int left = (Quadrant * (quadrant % 2)) + 1 + (int)(own[4] * (Quadrant - 1 - width)), top = (Quadrant * (quadrant / 2)) + 1 + (int)(own[5] * (Quadrant - 1 - height));
            byte segment = (byte)(1 + (isWide ? 1 : 0) + (isHigh ? 2 : 0));
            for (int row = top; row < top + height; row++)
            {
                for (int column = left; column < left + width; column++)
                {
                    int i = (row * Side) + column;
                    segments[i] = isRandom ? (byte)(1 + (int)(classes[i] * Kinds)) : segment;
                    if (luminance.Length > 0)
                    {
                        luminance[i] = (float)(LeastLuminance + (LuminanceRange * own[6]));
                    }
                }
            }
        }
    }
}
