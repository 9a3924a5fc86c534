using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// Where the pixels of <see cref="WinogradConvolution"/> lie. In phase f, a tap a and an output i meet at pixel
/// s (i + a) + f - padding. Outputs are computed in tiles of m x m, from n x n pixels of each phase; pixels, in tiles of m x m of
/// each phase, from n x n outputs, which lie one further for phases that begin later. Where no more tiles are needed for it, the
/// tiles of all phases lie over the same outputs (<see cref="AreAligned"/>) and hold some pixels outside the image. Positions stand
/// in the order place in the tile, phase (of pixels), tile.
/// </summary>
/// <param name="geometry">The convolution.</param>
/// <param name="tile">m.</param>
internal sealed class WinogradTiles(ConvolutionGeometry geometry, int tile)
{
    private readonly int stride = (int)geometry.Strides[0];
    private readonly int taps = (int)(geometry.KernelSize[0] / geometry.Strides[0]);

    /// <summary>Phases, s x s.</summary>
    public int Phases => stride * stride;

    /// <summary>Tiles of the outputs.</summary>
    public IReadOnlyList<(int Y, int X)> OfOutputs => Cover((geometry.OutputSize[0], geometry.OutputSize[1]));

    /// <summary>Tiles of every phase of the image.</summary>
    public IReadOnlyList<(int Y, int X)> OfImage => Cover(AreAligned ? SizeOfAllPhases : SizeOfAPhase);

    /// <summary>Whether the tiles of all phases of the image depend on the same outputs.</summary>
    public bool AreAligned => Tiles(SizeOfAllPhases) == Tiles(SizeOfAPhase);

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
        select ((long)Earliest.Y + (tile * t.Y) + place.Y - (taps - 1), (long)Earliest.X + (tile * t.X) + place.X - (taps - 1));

    /// <summary>Rows and columns of the outputs that a tile of all phases depends on.</summary>
    public (int Y, int X) Reach => (tile + taps - 1 + Shifts.Max(shift => shift.Y), tile + taps - 1 + Shifts.Max(shift => shift.X));

    /// <summary>Where among them those of each phase begin; once, where they are aligned.</summary>
    public IEnumerable<(int Y, int X)> Shifts => AreAligned ? [(0, 0)] : Grid(stride).Select(Begin).Select(begin => (begin.Y - Earliest.Y, begin.X - Earliest.X));

    /// <summary>The taps of the kernel, in row-major order, that stand phase by phase.</summary>
    public IEnumerable<long> TapsByPhase() =>
        from f in Grid(stride)
        from a in Grid(taps)
        select (((stride * a.Y) + f.Y) * geometry.KernelSize[1]) + (stride * a.X) + f.X;

    private static IEnumerable<(int Y, int X)> Grid(int side) => Grid(side, side);

    private static IEnumerable<(int Y, int X)> Grid(int height, int width) =>
        from y in Enumerable.Range(0, height)
        from x in Enumerable.Range(0, width)
        select (y, x);

    private (int Y, int X)[] Cover((long Height, long Width) size) => [.. Grid(Tiles(size).Rows, Tiles(size).Columns)];

    private (int Rows, int Columns) Tiles((long Height, long Width) size) => ((int)((size.Height + tile - 1) / tile), (int)((size.Width + tile - 1) / tile));

    private long Pixel(long output, int phase, int axis) => (stride * output) + phase - geometry.Padding[axis];

    private (long Height, long Width) SizeOfAPhase => ((geometry.ImageSize[0] + stride - 1) / stride, (geometry.ImageSize[1] + stride - 1) / stride);

    // No phase begins before the last one, and none ends after the first.
    private (long Height, long Width) SizeOfAllPhases => (Last(0) - Earliest.Y + 1, Last(1) - Earliest.X + 1);

    private (int Y, int X) Earliest => (First(stride - 1, 0), First(stride - 1, 1));

    // Where the tiles of a phase begin.
    private (int Y, int X) Begin((int Y, int X) phase) => AreAligned ? Earliest : (First(phase.Y, 0), First(phase.X, 1));

    // The first output whose first tap lies in a phase of the image.
    private int First(int phase, int axis) => (int)Math.Ceiling((geometry.Padding[axis] - phase) / (double)stride);

    // The last one, in any phase.
    private int Last(int axis) => (int)((geometry.ImageSize[axis] - 1 + geometry.Padding[axis]) / stride);
}
