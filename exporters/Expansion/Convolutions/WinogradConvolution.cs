using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// Convolution with fewer multiplications: outputs are computed in tiles of m x m by F(m, r) along both axes
/// (<see cref="CookToom"/>), with the channels as the inner dimension of n x n matrix products and the transforms as matrix
/// products too. Lavin and Gray 2016, arXiv 1509.09308.
/// </summary>
/// <remarks>
/// A convolution with stride s is the sum of s x s ones with stride 1, its phases: phase f takes every s-th pixel from f -
/// padding and every s-th tap from f (polyphase decomposition; Vaidyanathan 1993, section 4.3). The sum over phases is free
/// in the output transform. To the images, each phase is a correlation by itself, with its taps in reverse. One group.
/// Shapes below: f phases, n2 = n n products, T tiles, L = T N, with N images.
/// </remarks>
internal sealed class WinogradConvolution : IConvolutionForm
{
    // With fewer, a transposed operand costs a matrix product more than an explicit transposition of the gradient.
    private const long FewKernels = 128;

    private readonly ConvolutionGeometry geometry;
    private readonly CookToom transform;
    private readonly int stride;
    private readonly (int Y, int X)[] phases;

    /// <summary>Chooses the tiles.</summary>
    /// <param name="geometry">A geometry that <see cref="Fits"/>.</param>
    /// <param name="tile">m, rows and columns of a tile of outputs.</param>
    public WinogradConvolution(ConvolutionGeometry geometry, int tile)
    {
        this.geometry = geometry;
        stride = (int)geometry.Strides[0];
        transform = new CookToom(tile, (int)geometry.KernelSize[0] / stride);
        phases = [.. Grid(stride, stride)];
    }

    // m, n^2 and r^2
    private int Tile => transform.Outputs;

    private int Products => transform.Multiplications * transform.Multiplications;

    private int Taps => transform.Taps * transform.Taps;

    /// <summary>Whether the form computes a convolution: images, square kernels that the stride divides, no gaps between taps, one group.</summary>
    public static bool Fits(ConvolutionGeometry geometry, int tile) =>
        geometry is { SpatialRank: 2, Groups: 1 }
        && geometry.KernelSize[0] == geometry.KernelSize[1] && geometry.Strides[0] == geometry.Strides[1] && geometry.Dilations.All(d => d == 1)
        && geometry.KernelSize[0] % geometry.Strides[0] == 0 && tile + (geometry.KernelSize[0] / geometry.Strides[0]) - 1 <= CookToom.MostMultiplications;

    /// <inheritdoc/>
    public PixelRows Convolve(PixelRows x, Value weight)
    {
        var m = MatMul(ImageTiles(x), SwapLast(TransformedKernels(weight))); // [f, n2, L, K]
        var sum = Concat(1, [.. phases.Select(_ => CookToom.BothAxes(transform.OutputTransform))]); // [m2, f n2]
        var y = MatMul(sum, Reshape(m, [phases.Length * Products, m.Shape[2] * m.Shape[3]]));
        var positions = OutputPositions();
        return PixelRows.At(Reshape(y, [positions.Count, x.Values.Shape[1], m.Shape[3]]), geometry.OutputSize[0], geometry.OutputSize[1], positions);
    }

    /// <inheritdoc/>
    public PixelRows InputGradient(PixelRows dy, Value weight)
    {
        var m = MatMul(Transformed(dy, [.. ReachingOutputs()]), TransformedKernels(weight, isReversed: true)); // [f, n2, L, C]
        var dx = MatMul(CookToom.BothAxes(transform.OutputTransform), Reshape(m, [phases.Length, Products, m.Shape[2] * m.Shape[3]]));
        var positions = ImagePositions();
        return PixelRows.At(Reshape(dx, [positions.Count, dy.Values.Shape[1], m.Shape[3]]), geometry.ImageSize[0], geometry.ImageSize[1], positions);
    }

    /// <inheritdoc/>
    public Value WeightGradient(PixelRows x, PixelRows dy)
    {
        long batch = x.Values.Shape[1], channels = x.Values.Shape[2], kernels = dy.Values.Shape[2];
        var v = ImageTiles(x); // [f, n2, L, C]
        var tiles = dy.At(OutputPositions()); // [m2 T, N, K]
        long rows = tiles.Shape[0] / (Tile * Tile) * batch;
        var turned = kernels < FewKernels
            ? MatMulAlong(OutputTransformBack, Transpose(Reshape(tiles, [Tile * Tile, rows, kernels]), 0, 2, 1), 0)
            : SwapLast(MatMulAlong(OutputTransformBack, Reshape(tiles, [Tile * Tile, rows, kernels]), 0)); // [n2, K, L]
        var products = MatMul(turned, v); // [f, n2, K, C]
        var dw = MatMul(
            Transpose(CookToom.BothAxes(transform.KernelTransform), 1, 0), Reshape(products, [phases.Length, Products, kernels * channels])); // [f, r2, K C]
        var byTap = phases.Length == 1
            ? Reshape(dw, [Taps, kernels * channels])
            : Gather(Reshape(dw, [phases.Length * Taps, kernels * channels]), 0, Inverse(TapsByPhase()));
        return Reshape(Transpose(byTap, 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }

    private Value OutputTransformBack => Transpose(CookToom.BothAxes(transform.OutputTransform), 1, 0);

    private IReadOnlyList<(int Y, int X)> Tiles(long height, long width) => [.. Grid((int)((height + Tile - 1) / Tile), (int)((width + Tile - 1) / Tile))];

    // B^T d B of the tiles of the images: [f, n2, L, C].
    private Value ImageTiles(PixelRows x) => Transformed(x,
    [
        .. from f in phases
           from i in Grid(transform.Multiplications, transform.Multiplications)
           from t in Tiles(geometry.OutputSize[0], geometry.OutputSize[1])
           select ((stride * ((Tile * t.Y) + i.Y)) + f.Y - geometry.Padding[0], (stride * ((Tile * t.X) + i.X)) + f.X - geometry.Padding[1]),
    ]);

    private List<(long Y, long X)> OutputPositions() =>
    [
        .. from i in Grid(Tile, Tile)
           from t in Tiles(geometry.OutputSize[0], geometry.OutputSize[1])
           select ((long)(Tile * t.Y) + i.Y, (long)(Tile * t.X) + i.X),
    ];

    // Of the outputs of phase f, the first that reaches into the image is the one at ceil((padding - f) / s). Its pixel
    // depends on r outputs, of which it is the last.
    private IEnumerable<(long Y, long X)> ReachingOutputs() =>
        from f in phases
        from i in Grid(transform.Multiplications, transform.Multiplications)
        from t in PhaseTiles
        select (FirstOutput(f.Y, 0) + (Tile * t.Y) + i.Y - (transform.Taps - 1), FirstOutput(f.X, 1) + (Tile * t.X) + i.X - (transform.Taps - 1));

    private List<(long Y, long X)> ImagePositions() =>
    [
        .. from f in phases
           from i in Grid(Tile, Tile)
           from t in PhaseTiles
           select ((stride * (FirstOutput(f.Y, 0) + (Tile * t.Y) + i.Y)) + f.Y - geometry.Padding[0],
               (stride * (FirstOutput(f.X, 1) + (Tile * t.X) + i.X)) + f.X - geometry.Padding[1]),
    ];

    private IReadOnlyList<(int Y, int X)> PhaseTiles => Tiles((geometry.ImageSize[0] + stride - 1) / stride, (geometry.ImageSize[1] + stride - 1) / stride);

    private long FirstOutput(int phase, int axis) => (long)Math.Ceiling((geometry.Padding[axis] - phase) / (double)stride);

    private Value Transformed(PixelRows rows, IReadOnlyList<(long Y, long X)> positions)
    {
        long batch = rows.Values.Shape[1], channels = rows.Values.Shape[2], tiles = positions.Count / (phases.Length * Products);
        var tilesOfRows = Reshape(rows.At(positions), [phases.Length, Products, tiles * batch * channels]);
        return Reshape(MatMul(CookToom.BothAxes(transform.InputTransform), tilesOfRows), [phases.Length, Products, tiles * batch, channels]);
    }

    // G g G^T: [f, n2, K, C].
    private Value TransformedKernels(Value weight, bool isReversed = false)
    {
        long kernels = weight.Shape[0], channels = weight.Shape[1];
        var byTap = Transpose(Reshape(weight, [kernels * channels, geometry.KernelSize.Product()]), 1, 0);
        var byPhase = phases.Length == 1 ? byTap : Gather(byTap, 0, TapsByPhase());
        var transformed = MatMul(
            CookToom.BothAxes(isReversed ? Reversed(transform.KernelTransform) : transform.KernelTransform),
            Reshape(byPhase, [phases.Length, Taps, kernels * channels]));
        return Reshape(transformed, [phases.Length, Products, kernels, channels]);
    }

    private long[] TapsByPhase() =>
    [
        .. from f in phases
           from a in Grid(transform.Taps, transform.Taps)
           select (((stride * a.Y) + f.Y) * geometry.KernelSize[1]) + (stride * a.X) + f.X,
    ];

    private static Value SwapLast(Value x) => Transpose(x, [.. Enumerable.Range(0, x.Shape.Rank - 2), x.Shape.Rank - 1, x.Shape.Rank - 2]);

    private static long[] Inverse(long[] permutation) => [.. Enumerable.Range(0, permutation.Length).OrderBy(i => permutation[i]).Select(i => (long)i)];

    private static double[,] Reversed(double[,] matrix)
    {
        int columns = matrix.GetLength(1);
        var reversed = new double[matrix.GetLength(0), columns];
        for (int i = 0; i < matrix.GetLength(0); i++)
        {
            for (int j = 0; j < columns; j++)
            {
                reversed[i, j] = matrix[i, columns - 1 - j];
            }
        }

        return reversed;
    }

    private static IEnumerable<(int Y, int X)> Grid(int height, int width) =>
        from y in Enumerable.Range(0, height)
        from x in Enumerable.Range(0, width)
        select (y, x);
}
