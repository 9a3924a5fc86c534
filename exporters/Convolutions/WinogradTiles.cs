using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Where the pixels of <see cref="WinogradConvolution"/> lie. In phase f, a tap a and an output i meet at pixel
/// s (i + a) + f - padding. Outputs are computed in tiles of m x m, from n x n pixels of each phase; pixels, in tiles of m x m of
/// each phase, from n x n outputs, which lie one further for phases that begin later. If that takes no more tiles, the
/// tiles of all phases lie over the same outputs (<see cref="AreAligned"/>) and hold some pixels outside the image, sometimes except
/// for strips at the far borders (<see cref="BorderStrips"/>). Positions are ordered by place in the tile, phase (of pixels), tile.
/// </summary>
/// <remarks>
/// One axis of a convolution of 12 pixels with kernel 4, stride 2, padding 1: s = 2 phases of 2 taps, 6 outputs, tiles of m = 2, n = 3. Pixels in brackets lie
/// outside the image.
/// <code>
///   position  i + a      0    1    2    3    4    5    6
///   pixels of phase 0  (-1)   1    3    5    7    9   11
///   pixels of phase 1    0    2    4    6    8   10  (12)
///
///   outputs              0    1    2    3    4    5          output i meets positions i (tap 0) and i + 1 (tap 1) of each phase
///   tiles of outputs    [0    1]  [2    3]  [4    5]         tile 1 depends on positions 2 .. 4 of each phase
///
///   tiles of pixels, each phase from where it begins         pixel at position p depends on outputs p - 1 (tap 1) and p (tap 0)
///     phase 0                [1    2]  [3    4]  [5    6]    tile 0 depends on outputs 0 .. 2
///     phase 1           [0    1]  [2    3]  [4    5]         tile 0 depends on outputs -1 .. 1
///
///   aligned: all phases from position 0, so that one transform of outputs serves all
///     both phases       [0    1]  [2    3]  [4    5]   6     position 6 is left over: a border strip, pixel 11 = output 5 x tap 1
/// </code>
/// </remarks>
/// <param name="geometry">The convolution.</param>
/// <param name="tile">m.</param>
internal sealed class WinogradTiles(ConvolutionGeometry geometry, int tile)
{
    // Along an axis; with fewer, computing lines separately costs more than it saves.
    private const int ManyTiles = 4;

    private readonly int stride = (int)geometry.Strides[0];
    private readonly int taps = (int)(geometry.KernelSize[0] / geometry.Strides[0]);
    private bool? areAligned;

    /// <summary>Phases, s x s.</summary>
    public int Phases => stride * stride;

    /// <summary>Tiles of the outputs.</summary>
    public IReadOnlyList<(int Y, int X)> OfOutputs => Cover((geometry.OutputSize[0], geometry.OutputSize[1]));

    /// <summary>Tiles of every phase of the image, except for its <see cref="BorderStrips"/>.</summary>
    public IReadOnlyList<(int Y, int X)> OfImage => Cover((SizeOfAPhase(0), SizeOfAPhase(1)));

    /// <summary>Whether the tiles of all phases of the image depend on the same outputs.</summary>
    public bool AreAligned => areAligned ??= CanAlign(0) && CanAlign(1);

    /// <summary>Lines of the image beyond the aligned tiles.</summary>
    public IEnumerable<BorderStrip> BorderStrips =>
        from axis in AreAligned ? Enumerable.Range(0, 2) : []
        where Beyond(axis) > 0
        from f in Enumerable.Range(0, stride)
        let output = LastAligned(axis)
        let pixel = Pixel(output + 1, f, axis)
        where pixel < geometry.ImageSize[axis]
        select new BorderStrip(axis, pixel, output, stride + f);

    /// <summary>The pixels in each of them; where a row and a column cross, the column has no pixel.</summary>
    public IEnumerable<IEnumerable<(long Y, long X)>> PixelsOfBorderStrips
    {
        get
        {
            var rows = BorderStrips.Where(line => line.Axis == 0).Select(line => line.Pixel).ToHashSet();
            return BorderStrips.Select(line => line.Pixels(geometry).Select(pixel => line.Axis == 1 && rows.Contains(pixel.Y) ? (-1, -1) : pixel));
        }
    }

    /// <summary>The outputs in tiles of outputs.</summary>
    public IEnumerable<(long Y, long X)> Outputs(IReadOnlyList<(int Y, int X)> tiles) =>
        from place in Grid(tile)
        from t in tiles
        select ((long)(tile * t.Y) + place.Y, (long)(tile * t.X) + place.X);

    /// <summary>The pixels that tiles of outputs depend on.</summary>
    public IEnumerable<(long Y, long X)> PixelsUnderOutputs(IReadOnlyList<(int Y, int X)> tiles) =>
        from place in Grid(tile + taps - 1)
        from f in Grid(stride)
        from t in tiles
        select (Pixel((tile * t.Y) + place.Y, f.Y, 0), Pixel((tile * t.X) + place.X, f.X, 1));

    /// <summary>The pixels in tiles of the image.</summary>
    public IEnumerable<(long Y, long X)> Pixels(IReadOnlyList<(int Y, int X)> tiles) =>
        from place in Grid(tile)
        from f in Grid(stride)
        from t in tiles
        let begin = Begin(f)
        select (Pixel(begin.Y + (tile * t.Y) + place.Y, f.Y, 0), Pixel(begin.X + (tile * t.X) + place.X, f.X, 1));

    /// <summary>The outputs that depend on tiles of the image, together for all phases; the last of a phase has its first tap there.</summary>
    public IEnumerable<(long Y, long X)> OutputsOverPixels(IReadOnlyList<(int Y, int X)> tiles) =>
        from place in Grid(Reach.Y, Reach.X)
        from t in tiles
        select ((long)Earliest(0) + (tile * t.Y) + place.Y - (taps - 1), (long)Earliest(1) + (tile * t.X) + place.X - (taps - 1));

    /// <summary>Rows and columns of the outputs that a tile of all phases depends on.</summary>
    public (int Y, int X) Reach => (tile + taps - 1 + Shifts.Max(shift => shift.Y), tile + taps - 1 + Shifts.Max(shift => shift.X));

    /// <summary>Where among them those of each phase begin; a single entry if they are aligned.</summary>
    public IEnumerable<(int Y, int X)> Shifts => AreAligned ? [(0, 0)] : Grid(stride).Select(Begin).Select(begin => (begin.Y - Earliest(0), begin.X - Earliest(1)));

    /// <summary>The taps of the kernel, counted in row-major order, listed phase by phase.</summary>
    public IEnumerable<long> TapsByPhase() =>
        from f in Grid(stride)
        from a in Grid(taps)
        select (((stride * a.Y) + f.Y) * geometry.KernelSize[1]) + (stride * a.X) + f.X;

    private static IEnumerable<(int Y, int X)> Grid(int side) => Grid(side, side);

    private static IEnumerable<(int Y, int X)> Grid(int height, int width) =>
        from y in Enumerable.Range(0, height)
        from x in Enumerable.Range(0, width)
        select (y, x);

    private (int Y, int X)[] Cover((long Height, long Width) size) => [.. Grid(Tiles(size.Height), Tiles(size.Width))];

    private int Tiles(long size) => (int)((size + tile - 1) / tile);

    private long Pixel(long output, int phase, int axis) => (stride * output) + phase - geometry.Padding[axis];

    private long SizeOfAPhase(int axis) => (geometry.ImageSize[axis] + stride - 1) / stride;

    // Aligning needs no more tiles; or only for one more position, without an output: the pixels there contribute only to the last
    // output, with the second of two taps.
    private bool CanAlign(int axis) =>
        Beyond(axis) <= 0 || (Beyond(axis) == 1 && taps == 2 && LastAligned(axis) == geometry.OutputSize[axis] - 1 && Tiles(SizeOfAPhase(axis)) >= ManyTiles);

    // Positions of outputs, whether there is one or not, whose first taps lie in the image, after those in aligned tiles.
    private long Beyond(int axis) => Last(axis) - LastAligned(axis);

    private long LastAligned(int axis) => Earliest(axis) + (tile * Tiles(SizeOfAPhase(axis))) - 1;

    // No phase begins before the last one.
    private int Earliest(int axis) => First(stride - 1, axis);

    // Where the tiles of a phase begin.
    private (int Y, int X) Begin((int Y, int X) phase) => AreAligned ? (Earliest(0), Earliest(1)) : (First(phase.Y, 0), First(phase.X, 1));

    // The first position whose first tap lies in a phase of the image.
    private int First(int phase, int axis) => (int)Math.Ceiling((geometry.Padding[axis] - phase) / (double)stride);

    // The last one in any phase: none ends after the first one.
    private int Last(int axis) => (int)((geometry.ImageSize[axis] - 1 + geometry.Padding[axis]) / stride);
}
