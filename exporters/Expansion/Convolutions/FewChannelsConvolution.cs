using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// Convolution of images with few channels, as the first and last layers have them: a matrix product with the patches, whose
/// rows are pairs of channel and tap. Transposed, images are rows of one pixel and channel each, of which a Gather makes the
/// patches; to the images, another one collects what each pixel gets from every window it lies in. One group.
/// </summary>
internal sealed class FewChannelsConvolution(ConvolutionGeometry geometry) : IConvolutionForm
{
    // The weight's gradient is a long sum for few numbers: parts of it can be summed at the same time.
    private const int MostParts = 16;

    private readonly long taps = geometry.KernelSize.Product();
    private readonly long pixels = geometry.ImageSize.Product();

    /// <summary>Whether the form computes a convolution.</summary>
    public static bool Fits(ConvolutionGeometry geometry) => geometry is { SpatialRank: 2, Groups: 1 };

    /// <inheritdoc/>
    public LaidOutValue Convolve(LaidOutValue x, Value weight)
    {
        var outputs = PixelMap.RowMajor(geometry.OutputSize[0], geometry.OutputSize[1]);
        long kernels = weight.Shape[0], channels = weight.Shape[1];
        var byTap = Transpose(Reshape(weight, [kernels, channels * taps]), 1, 0);
        var y = MatMul(Transpose(Patches(x.Images, outputs), 0, 2, 1), byTap); // [parts, R N / parts, K]
        return LaidOutValue.Of(new PixelRows(Reshape(y, [outputs.Rows, x.Shape[0], kernels]), outputs));
    }

    /// <inheritdoc/>
    public LaidOutValue InputGradient(LaidOutValue dy, Value weight)
    {
        var rows = dy.Rows;
        long batch = dy.Shape[0], kernels = weight.Shape[0], channels = weight.Shape[1];
        var columns = Gemm(
            Reshape(weight, [kernels, channels * taps]), Reshape(rows.Values, [rows.Map.Rows * batch, kernels]), transA: true, transB: true); // [C t, R N]
        var terms = WindowsOfPixels(rows.Map, channels);
        var byWindow = Gather(WithZeroRow(Reshape(columns, [channels * taps * rows.Map.Rows, batch])), 0, [.. terms.SelectMany(window => window)]);
        var dx = MatMul(ConstantOfShape([1, terms.Count], 1f), Reshape(byWindow, [terms.Count, channels * pixels * batch]));
        return LaidOutValue.Of(Reshape(Transpose(Reshape(dx, [channels * pixels, batch]), 1, 0), [batch, channels, .. geometry.ImageSize]));
    }

    /// <inheritdoc/>
    public Value WeightGradient(LaidOutValue x, LaidOutValue dy)
    {
        var rows = dy.Rows.OneToOne();
        long channels = x.Shape[1], kernels = dy.Shape[1];
        var patches = Patches(x.Images, rows.Map);
        var dw = MatMul(patches, Reshape(rows.Values, [patches.Shape[0], patches.Shape[2], kernels])); // [parts, C t, K]
        return Reshape(Transpose(ReduceSum(dw, [0]), 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }

    // [parts, C t, R N / parts]: for each channel and tap the pixels under it, at the outputs that are rows, of all images.
    private Value Patches(Value x, PixelMap outputs)
    {
        long batch = x.Shape[0], channels = x.Shape[1];
        int parts = Enumerable.Range(1, MostParts).Last(count => outputs.Rows % count == 0), rowsPerPart = outputs.Rows / parts;
        long[] underTaps = geometry.PixelsUnderTaps();
        var indices = new long[channels * taps * outputs.Rows];
        for (int output = 0; output < outputs.Pixels; output++)
        {
            var (part, row) = Math.DivRem(outputs[output], rowsPerPart);
            for (long channelTap = 0; channelTap < channels * taps; channelTap++)
            {
                long pixel = underTaps[(output * taps) + (channelTap % taps)];
                indices[(((part * channels * taps) + channelTap) * rowsPerPart) + row] = pixel == pixels ? channels * pixels : (channelTap / taps * pixels) + pixel;
            }
        }

        var rows = WithZeroRow(Transpose(Reshape(x, [batch, channels * pixels]), 1, 0));
        return Reshape(Gather(rows, 0, indices), [parts, channels * taps, rowsPerPart * batch]);
    }

    // For each channel and pixel a row of the columns [C t R, N] that it gets, and another one, until no pixel has a further.
    private IReadOnlyList<long[]> WindowsOfPixels(PixelMap outputs, long channels)
    {
        var places = InverseIndex.Of(geometry.PixelsUnderTaps(), pixels, place => place, none: -1);
        return [.. places.Select(ofPixel => Enumerable.Range(0, (int)channels).SelectMany(channel => ofPixel.Select(place => place < 0
            ? channels * taps * outputs.Rows
            : (((channel * taps) + (place % taps)) * outputs.Rows) + outputs[place / taps])).ToArray())];
    }

    private static Value WithZeroRow(Value rows) => Concat(0, rows, ConstantOfShape(rows.Shape.With(0, 1), 0f));
}
