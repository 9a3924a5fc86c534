using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Convolution with fewer multiplications: outputs are computed in tiles of m x m by F(m, r) along both axes
/// (<see cref="CookToom"/>), with the channels as the inner dimension of n x n matrix products, and with the transforms as
/// matrix products too. Lavin and Gray 2016, arXiv 1509.09308.
/// </summary>
/// <remarks>
/// A convolution with stride s is the sum of s x s ones with stride 1, its phases: phase f takes every s-th pixel from f -
/// padding and every s-th tap from f (polyphase decomposition; Vaidyanathan 1993, section 4.3). The sum over phases is taken
/// before the output transform. For the input gradient, each phase is a correlation by itself, with its taps reversed; the outputs
/// that the phases of a tile need are mostly the same, and are gathered once; single rows and columns at the far borders, which would need
/// tiles of their own, are computed directly. One group.
/// Shapes below: f phases, m2 = m m outputs and n2 = n n products per tile, r2 = r r taps, T tiles, L = T N with N images.
/// </remarks>
internal sealed class WinogradConvolution : IConvolutionAlgorithm
{
    // With fewer, a transposed operand slows the matrix product by more than explicitly transposing the gradient costs.
    private const long FewKernels = 128;

    // Tiles are processed in chunks that stay in the processor's cache from one product to the next; but a chunk has
    // enough rows for a good matrix product, and is not small compared to the transformed kernels that it is multiplied with.
    private const long ChunkBytes = 4_000_000;
    private const long FewestRows = 256;
    private const long KernelsPerChunk = 2;

    private readonly ConvolutionGeometry geometry;
    private readonly long batch;
    private readonly long channels;
    private readonly long kernels;
    private readonly long images; // at a time
    private readonly CookToom transform;
    private readonly WinogradTiles tiles;
    private readonly Value inputTransform; // [n2, n2]
    private readonly Value gradientTransform; // [n2 f, outputs over a tile of pixels], or [n2, n2] for all phases
    private readonly Value outputTransform; // [m2, n2]

    /// <summary>Chooses the tiles.</summary>
    /// <param name="shape">A convolution that <see cref="Fits"/>.</param>
    /// <param name="tile">m, rows and columns of a tile of outputs.</param>
    public WinogradConvolution(ConvolutionShape shape, int tile)
    {
        (geometry, batch, channels, kernels, images) = (shape.Geometry, shape.Batch, shape.Channels, shape.Kernels, shape.ImagesAtATime);
        transform = new CookToom(tile, (int)(geometry.KernelSize[0] / geometry.Strides[0]));
        tiles = new WinogradTiles(geometry, tile);
        inputTransform = CookToom.BothAxes(transform.InputTransform);
        gradientTransform = GradientTransform();
        outputTransform = CookToom.BothAxes(transform.OutputTransform);
    }

    private int Outputs => transform.Outputs * transform.Outputs;

    private int Products => transform.Multiplications * transform.Multiplications;

    private int Taps => transform.Taps * transform.Taps;

    /// <summary>Whether it supports a convolution: of images, with square kernels that the stride divides, no gaps between taps, one group.</summary>
    public static bool Fits(ConvolutionGeometry geometry, int tile) =>
        geometry is { SpatialRank: 2, Groups: 1 }
        && geometry.KernelSize[0] == geometry.KernelSize[1] && geometry.Strides[0] == geometry.Strides[1] && geometry.Dilations.All(d => d == 1)
        && geometry.KernelSize[0] % geometry.Strides[0] == 0 && tile + (geometry.KernelSize[0] / geometry.Strides[0]) - 1 <= CookToom.MostMultiplications;

    /// <inheritdoc/>
    public PixelOrder ImageOrder => PixelOrder.Of(ImagePixels, geometry.ImageSize[0], geometry.ImageSize[1]);

    /// <inheritdoc/>
    public PixelOrder OutputOrder => PixelOrder.Of(OutputPixels, geometry.OutputSize[0], geometry.OutputSize[1]);

    private IEnumerable<IEnumerable<(long Y, long X)>> ImagePixels => Chunks(tiles.OfImage).Select(tiles.Pixels).Concat(tiles.PixelsOfBorderStrips);

    private IEnumerable<IEnumerable<(long Y, long X)>> OutputPixels => Chunks(tiles.OfOutputs).Select(tiles.Outputs);

    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight)
    {
        var u = SwapLast(TransformedKernels(weight, transform.KernelTransform)); // [n2, f, C, K]
        return Rows(kernels, OutputOrder, OutputPixels, Chunks(tiles.OfOutputs).Select(chunk =>
        {
            var m = MatMul(TransformedPixels(x.Rows, chunk), u); // [n2, f, L, K]
            var sum = tiles.Phases == 1 ? m : ReduceSum(m, [1]);
            return MatMul(outputTransform, Reshape(sum, [Products, chunk.Count * batch * kernels])); // [m2, L K]
        }));
    }

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight)
    {
        var u = TransformedKernels(weight, Reversed(transform.KernelTransform)); // [n2, f, K, C]
        var ofTiles = Chunks(tiles.OfImage).Select(chunk =>
        {
            var v = Transformed(gradientTransform, dy.Rows, tiles.OutputsOverPixels(chunk), chunk.Count); // [n2, f or 1, L, K]
            var m = MatMul(v, u); // [n2, f, L, C]
            return MatMul(outputTransform, Reshape(m, [Products, tiles.Phases * chunk.Count * batch * channels])); // [m2, f L C]
        });
        return Rows(channels, ImageOrder, ImagePixels, ofTiles.Concat(tiles.BorderStrips.Select(line => OfLine(line, dy.Rows, weight))));
    }

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy)
    {
        var products = Chunks(tiles.OfOutputs)
            .Select(chunk => MatMul(TransformedGradient(dy.Rows, chunk), TransformedPixels(x.Rows, chunk))) // [n2, f, K, C]
            .Aggregate((sum, term) => sum + term);
        var dw = Gemm(Reshape(products, [Products * tiles.Phases, kernels * channels]), KernelTransform(transform.KernelTransform), transA: true); // [K C, taps]
        return Reshape(dw, [kernels, channels, .. geometry.KernelSize]);
    }

    // A border strip by itself, [pixels, N C]: every output that it contributes to times every tap along it, and their sums.
    private Value OfLine(BorderStrip line, PixelMajorRows dy, Value weight)
    {
        var outputs = dy.At([.. line.Outputs(geometry)]); // [outputs, N, K]
        var taps = Transpose(Reshape(Slice(weight, line.Axis + 2, line.Tap, line.Tap + 1), [kernels, channels, geometry.KernelSize[0]]), 2, 0, 1); // [taps, K, C]
        var products = MatMul(Reshape(outputs, [1, outputs.Shape[0] * batch, kernels]), taps); // [taps, outputs N, C]
        return MatMul(line.Sums(geometry), Reshape(products, [taps.Shape[0] * outputs.Shape[0], batch * channels]));
    }

    // B^T d B of the pixels under tiles of outputs: [n2, f, L, C].
    private Value TransformedPixels(PixelMajorRows x, IReadOnlyList<(int Y, int X)> chunk) =>
        Transformed(inputTransform, x, tiles.PixelsUnderOutputs(chunk), chunk.Count);

    // [n2, f or 1, T N, depth] of the values at the positions.
    private Value Transformed(Value transformation, PixelMajorRows rows, IEnumerable<(long Y, long X)> positions, long tileCount)
    {
        var v = rows.Combined(transformation, [.. positions]);
        long ofAPhase = Products * tileCount * batch * rows.Shape[1];
        return Reshape(v, [Products, v.Shape.Product() / ofAPhase, tileCount * batch, rows.Shape[1]]);
    }

    // A dy A^T of tiles of outputs, kernels first: [n2, 1, K, L].
    private Value TransformedGradient(PixelMajorRows dy, IReadOnlyList<(int Y, int X)> chunk)
    {
        var back = Transpose(outputTransform, 1, 0);
        var outputs = Reshape(dy.At([.. tiles.Outputs(chunk)]), [Outputs, 1, chunk.Count * batch, kernels]);
        return kernels < FewKernels ? MatMulAlong(back, SwapLast(outputs), 0) : SwapLast(MatMulAlong(back, outputs, 0));
    }

    // G g G^T: [n2, f, K, C].
    private Value TransformedKernels(Value weight, double[,] ofAxis)
    {
        var u = Gemm(KernelTransform(ofAxis), Reshape(weight, [kernels * channels, geometry.KernelSize.Product()]), transB: true);
        return Reshape(u, [Products, tiles.Phases, kernels, channels]);
    }

    // The kernel transform of all phases, each for its own taps: [n2 f, taps].
    private Value KernelTransform(double[,] ofAxis)
    {
        long taps = geometry.KernelSize.Product();
        var ofPhase = CookToom.BothAxes(ofAxis).Constant!.As<float>(); // [n2, r2]
        long[] tapsByPhase = [.. tiles.TapsByPhase()];
        var matrix = new float[Products * tiles.Phases * taps];
        for (int product = 0; product < Products; product++)
        {
            for (int i = 0; i < tapsByPhase.Length; i++)
            {
                var (phase, tap) = Math.DivRem(i, Taps);
                matrix[(((product * tiles.Phases) + phase) * taps) + tapsByPhase[i]] = ofPhase[(product * Taps) + tap];
            }
        }

        return Value.Of<float>([Products * tiles.Phases, taps], matrix);
    }

    // The input transform of all phases, each for its own outputs among those over a tile, [n2 f, h w]; for aligned ones, [n2, h w].
    private Value GradientTransform()
    {
        var ((height, width), n) = (tiles.Reach, transform.Multiplications);
        float[] matrix =
        [
            .. from y in Enumerable.Range(0, n)
               from x in Enumerable.Range(0, n)
               from shift in tiles.Shifts
               from v in Enumerable.Range(0, height)
               from u in Enumerable.Range(0, width)
               select (float)(Entry(y, v - shift.Y) * Entry(x, u - shift.X)),
        ];
        return Value.Of<float>([matrix.Length / (height * width), height * width], matrix);

        double Entry(int row, int column) => column >= 0 && column < n ? transform.InputTransform[row, column] : 0;
    }

    private IReadOnlyList<(int Y, int X)>[] Chunks(IReadOnlyList<(int Y, int X)> all)
    {
        long bytesPerTile = sizeof(float) * tiles.Phases * Products * images * Math.Max(channels, kernels);
        long kernelBytes = sizeof(float) * tiles.Phases * Products * kernels * channels;
        long least = Math.Max(Math.Max(ChunkBytes, KernelsPerChunk * kernelBytes) / bytesPerTile, (FewestRows + images - 1) / images);
        long count = Math.Clamp(all.Count / Math.Max(least, 1), 1, all.Count);
        return [.. all.Chunk((int)((all.Count + count - 1) / count))];
    }

    // Chunks of results as rows of pixels [pixels, N, depth]; pixels outside the image are dropped.
    private LayoutValue Rows(long depth, PixelOrder order, IEnumerable<IEnumerable<(long Y, long X)>> pixels, IEnumerable<Value> results)
    {
        var rows = results.Select(result => Reshape(result, [result.Shape.Product() / (batch * depth), batch, depth]));
        return LayoutValue.Of(PixelMajorRows.At(order, rows.Zip(pixels)));
    }

    private static Value SwapLast(Value x) => Transpose(x, [.. Enumerable.Range(0, x.Shape.Rank - 2), x.Shape.Rank - 1, x.Shape.Rank - 2]);

    private static double[,] Reversed(double[,] matrix)
    {
        var (rows, columns) = (matrix.GetLength(0), matrix.GetLength(1));
        var reversed = new double[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                reversed[i, j] = matrix[i, columns - 1 - j];
            }
        }

        return reversed;
    }
}
