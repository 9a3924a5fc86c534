namespace OnnxVae.Exporters.Graph;

/// <summary>How new pixels are computed from old ones.</summary>
public enum InterpolationMethod
{
    /// <summary>The pixel at or before the position.</summary>
    Nearest,

    /// <summary>Linear between two pixels.</summary>
    Linear,

    /// <summary>Keys's cubic through four pixels.</summary>
    Cubic,
}

/// <summary>Where the new pixels lie relative to the old ones.</summary>
public enum PixelGrid
{
    /// <summary>Positions are scaled: the first pixels coincide.</summary>
    Corner,

    /// <summary>Pixels are areas, and their outer edges coincide.</summary>
    HalfPixel,

    /// <summary>The centers of the first pixels coincide, and so do those of the last.</summary>
    AlignedCorners,
}

/// <summary>Interpolation along one axis: a linear map, and so a matrix.</summary>
/// <remarks>Cubic weights by Keys 1981, Cubic Convolution Interpolation for Digital Image Processing, with a = -3/4.</remarks>
/// <param name="Method">How new pixels are computed from old ones.</param>
/// <param name="Grid">Where they lie.</param>
/// <param name="Input">Old pixels.</param>
/// <param name="Output">New pixels.</param>
/// <param name="Factor">New pixels per old one, if it was given instead of the new size.</param>
public sealed record Interpolation(InterpolationMethod Method, PixelGrid Grid, long Input, long Output, double Factor)
{
    /// <summary>The constant a in the cubic's weights.</summary>
    public const double CubicCoefficient = -0.75;

    /// <summary>Interpolation to a given size.</summary>
    public Interpolation(InterpolationMethod method, PixelGrid grid, long input, long output)
        : this(method, grid, input, output, (double)output / input)
    {
    }

    /// <summary>Whether an axis that keeps its size is copied by linear interpolation, whatever the factor, as libtorch does it.</summary>
    internal bool CopiesEqualSizes { get; init; } = true;

    /// <summary>Whether the factor is the quotient of the sizes.</summary>
    public bool IsExact => Factor == (double)Output / Input;

    /// <summary>Whether every pixel is repeated equally often.</summary>
    public bool IsRepetition => Method == InterpolationMethod.Nearest && IsExact && Output % Input == 0;

    /// <summary>For each new pixel the old one that libtorch takes as the nearest, in its 32-bit arithmetic.</summary>
    public long[] NearestPixels()
    {
        float step = IsExact ? (float)Input / Output : (float)(1 / Factor);
        return [.. Enumerable.Range(0, (int)Output).Select(i => Math.Min((long)MathF.Floor(i * step), Input - 1))];
    }

    /// <summary>Each new pixel as a sum of old ones.</summary>
    internal WeightedTaps Taps => new(Input, [.. Enumerable.Range(0, (int)Output).Select(i =>
    {
        double position = Position(i);
        long first = (long)Math.Floor(position);
        return ((long, double)[])[.. Weights(position - first).Select(tap => (Math.Clamp(first + tap.Offset, 0, Input - 1), tap.Weight))];
    })]);

    // Where new pixel i lies among the old ones.
    private double Position(long i) => Grid switch
    {
        _ when CopiesEqualSizes && Method == InterpolationMethod.Linear && Output == Input => i,
        PixelGrid.Corner => i / Factor,
        PixelGrid.AlignedCorners => Output == 1 ? 0 : i * (Input - 1.0) / (Output - 1),
        _ => ((i + 0.5) / Factor) - 0.5,
    };

    private IEnumerable<(long Offset, double Weight)> Weights(double t)
    {
        const double a = CubicCoefficient;
        double Near(double d) => ((((a + 2) * d) - (a + 3)) * d * d) + 1;
        double Far(double d) => (((((a * d) - (5 * a)) * d) + (8 * a)) * d) - (4 * a);
        return Method switch
        {
            InterpolationMethod.Nearest => [(0, 1)],
            InterpolationMethod.Linear => [(0, 1 - t), (1, t)],
            _ => [(-1, Far(1 + t)), (0, Near(t)), (1, Near(1 - t)), (2, Far(2 - t))],
        };
    }
}
