using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Convolution of images with few channels, as in the first and last layers: a matrix product with the patches (im2col), whose
/// rows are pairs of channel and tap. Transposed, images have one row per pixel and channel, from which a Gather takes the
/// patches; for the input gradient, another one collects each pixel's contributions from the windows it lies in. One group.
/// </summary>
/// <param name="geometry">A geometry that <see cref="Fits"/>.</param>
/// <param name="outputOrder">The order to give the outputs.</param>
internal sealed class Im2ColConvolution(ConvolutionGeometry geometry, PixelOrder outputOrder) : IConvolutionAlgorithm
{
    // The weight gradient is a long sum for few numbers: at most this many parts of it are summed at the same time.
    private const int MostSums = 16;

    private readonly long taps = geometry.KernelSize.Product();
    private readonly long pixels = geometry.ImageSize.Product();

    /// <inheritdoc/>
    public PixelOrder? ImageOrder => null;

    /// <inheritdoc/>
    public PixelOrder? OutputOrder => null;

    /// <summary>Whether it supports a convolution.</summary>
    public static bool Fits(ConvolutionGeometry geometry) => geometry is { SpatialRank: 2, Groups: 1 };

    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight)
    {
        long batch = x.Shape[0], kernels = weight.Shape[0];
        var byTap = Transpose(Reshape(weight, [kernels, weight.Shape[1] * taps]), 1, 0);
        var rows = Patches(x.Images, outputOrder).Zip(outputOrder.ChunkSizes, (patches, count) =>
            Reshape(MatMul(Transpose(patches, 0, 2, 1), byTap), [count, batch, kernels])); // [sums, R N / sums, K]
        return LayoutValue.Of(new PixelMajorRows([.. rows], outputOrder.Map));
    }

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight)
    {
        var rows = dy.Rows;
        long batch = dy.Shape[0], kernels = weight.Shape[0], channels = weight.Shape[1];
        var byTap = Pad(Transpose(Reshape(weight, [kernels, channels * taps]), 1, 0), axis: 0, before: 0, after: 1); // the last one yields rows of zeros
        var columns = rows.Parts.Select(part => Gemm(byTap, Reshape(part, [part.Shape[0] * batch, kernels]), transB: true)) // [C t + 1, R N]
            .Zip(rows.Order.ChunkSizes, (product, count) => Reshape(product, [byTap.Shape[0] * count, batch]));
        var terms = WindowsOfPixels(rows.Order, channels);
        var byWindow = Gather(Concat(0, [.. columns]), 0, [.. terms.SelectMany(window => window)]);
        var dx = MatMul(ConstantOfShape([1, terms.Count], 1f), Reshape(byWindow, [terms.Count, channels * pixels * batch]));
        return LayoutValue.Of(Reshape(Transpose(Reshape(dx, [channels * pixels, batch]), 1, 0), [batch, channels, .. geometry.ImageSize]));
    }

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy)
    {
        var rows = dy.Rows.OneToOne();
        long channels = x.Shape[1], kernels = dy.Shape[1];
        var sums = Patches(x.Images, rows.Order).Zip(rows.Parts, (patches, part) =>
            ReduceSum(MatMul(patches, Reshape(part, [patches.Shape[0], patches.Shape[2], kernels])), [0])); // [C t, K]
        return Reshape(Transpose(sums.Aggregate((sum, term) => sum + term), 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }

    // [sums, C t, R N / sums] for every part of the outputs: for each channel and tap the pixels under it, of all images.
    private IEnumerable<Value> Patches(Value x, PixelOrder outputs)
    {
        long batch = x.Shape[0], channels = x.Shape[1];
        var rows = PixelMajorRows.WithZeroRow(Transpose(Reshape(x, [batch, channels * pixels]), 1, 0));
        long[] outputOfRow = outputs.Map.PixelOfRow();
        long[] underTaps = geometry.PixelsUnderTaps();
        int start = 0;
        foreach (int count in outputs.ChunkSizes)
        {
            int sums = Enumerable.Range(1, (int)Math.Max(1, MostSums / outputs.ChunkSizes.Length)).Last(parts => count % parts == 0);
            yield return Reshape(Gather(rows, 0, [.. RowsUnderTaps(start, count, sums)]), [sums, channels * taps, count / sums * batch]);
            start += count;
        }

        IEnumerable<long> RowsUnderTaps(int start, int count, int sums)
        {
            for (int first = start; first < start + count; first += count / sums)
            {
                for (long channel = 0; channel < channels; channel++)
                {
                    for (long tap = 0; tap < taps; tap++)
                    {
                        for (int row = first; row < first + (count / sums); row++)
                        {
                            long pixel = underTaps[(outputOfRow[row] * taps) + tap];
                            yield return pixel == pixels ? channels * pixels : (channel * pixels) + pixel;
                        }
                    }
                }
            }
        }
    }

    // For each channel and pixel the first row of the columns [C t R, N] that contributes to it, then the second, until no pixel has another.
    private IReadOnlyList<long[]> WindowsOfPixels(PixelOrder outputs, long channels)
    {
        var places = InverseIndex.Of(geometry.PixelsUnderTaps(), pixels, place => place, none: -1);
        var columns = ColumnsOfRows(outputs, (channels * taps) + 1).ToArray();
        return [.. places.Select(ofPixel => Enumerable.Range(0, (int)channels).SelectMany(channel => ofPixel.Select(place => place < 0
            ? Column(0, channels * taps)
            : Column(outputs.Map[place / taps], (channel * taps) + (place % taps)))).ToArray())];

        long Column(int row, long product) => columns[row].First + (product * columns[row].Step);
    }

    // Where the columns of each row of the outputs begin, and how far apart they are: part by part, product by product.
    private static IEnumerable<(long First, long Step)> ColumnsOfRows(PixelOrder outputs, long products)
    {
        long start = 0;
        foreach (long count in outputs.ChunkSizes)
        {
            for (long row = 0; row < count; row++)
            {
                yield return ((products * start) + row, count);
            }

            start += count;
        }
    }
}
