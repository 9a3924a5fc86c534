using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>
/// Convolution of images with few channels, as the first and last layers have them: one matrix product with the patches, whose
/// rows are pairs of channel and tap and hold all outputs. With pixels and channels as rows of images, one Gather makes the
/// patches; to the images, another one collects what each pixel gets from every window it lies in. One group.
/// </summary>
internal sealed class FewChannelsConvolution(ConvolutionGeometry geometry) : IConvolutionForm
{
    /// <summary>Whether the form computes a convolution.</summary>
    public static bool Fits(ConvolutionGeometry geometry) => geometry is { SpatialRank: 2, Groups: 1 };

    /// <inheritdoc/>
    public PixelRows Convolve(PixelRows x, Value weight)
    {
        var outputs = PixelMap.RowMajor(geometry.OutputSize[0], geometry.OutputSize[1]);
        var patches = Patches(x, outputs);
        var y = Gemm(patches, Reshape(weight, [weight.Shape[0], patches.Shape[0]]), transA: true, transB: true); // [R N, K]
        return new PixelRows(Reshape(y, [outputs.Rows, x.Values.Shape[1], weight.Shape[0]]), outputs);
    }

    /// <inheritdoc/>
    public PixelRows InputGradient(PixelRows dy, Value weight)
    {
        long batch = dy.Values.Shape[1], kernels = weight.Shape[0], channels = weight.Shape[1], taps = geometry.KernelSize.Product();
        var columns = Gemm(
            Reshape(weight, [kernels, channels * taps]), Reshape(dy.Values, [dy.Map.Rows * batch, kernels]), transA: true, transB: true); // [C t, R N]
        var rows = Concat(0, Reshape(columns, [channels * taps * dy.Map.Rows, batch]), ConstantOfShape([1, batch], 0f));

        var windows = WindowsOfPixels(dy.Map, channels);
        var terms = Gather(rows, 0, [.. windows.SelectMany(window => window)]);
        var map = PixelMap.RowMajor(geometry.ImageSize[0], geometry.ImageSize[1]);
        var dx = MatMul(ConstantOfShape([1, windows.Count], 1f), Reshape(terms, [windows.Count, map.Pixels * channels * batch]));
        return new PixelRows(ChannelsLast(Reshape(dx, [map.Pixels, channels, batch])), map);
    }

    /// <inheritdoc/>
    public Value WeightGradient(PixelRows x, PixelRows dy)
    {
        dy = dy.OneToOne();
        long batch = x.Values.Shape[1], channels = x.Values.Shape[2], kernels = dy.Values.Shape[2];
        var dw = Gemm(Patches(x, dy.Map), Reshape(dy.Values, [dy.Map.Rows * batch, kernels])); // [C t, K]
        return Reshape(Transpose(dw, 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }

    // [C t, R N]: for each channel and tap the pixels under it, at all outputs of all images.
    private Value Patches(PixelRows x, PixelMap outputs)
    {
        long batch = x.Values.Shape[1], channels = x.Values.Shape[2];
        long zeros = x.Map.Rows * channels;
        var rows = Concat(0, Reshape(ChannelsLast(x.Values), [zeros, batch]), ConstantOfShape([1, batch], 0f));
        long[] pixels = geometry.PixelsUnderTaps();
        long taps = geometry.KernelSize.Product();
        var indices = new long[channels * taps * outputs.Rows];
        for (long output = 0; output < outputs.Pixels; output++)
        {
            for (long tap = 0; tap < taps; tap++)
            {
                long pixel = pixels[(output * taps) + tap];
                for (long channel = 0; channel < channels; channel++)
                {
                    indices[(((channel * taps) + tap) * outputs.Rows) + outputs[output]] = pixel == x.Map.Pixels ? zeros : (x.Map[pixel] * channels) + channel;
                }
            }
        }

        return Reshape(Gather(rows, 0, indices), [channels * taps, outputs.Rows * batch]);
    }

    // For each pixel and channel a row of columns that it gets, and another one, until no pixel has a further.
    private IReadOnlyList<long[]> WindowsOfPixels(PixelMap outputs, long channels)
    {
        long taps = geometry.KernelSize.Product();
        var places = InverseIndex.Of(geometry.PixelsUnderTaps(), geometry.ImageSize.Product(), place => place, none: -1);
        return [.. places.Select(list => list.SelectMany(place => Enumerable.Range(0, (int)channels).Select(channel => place < 0
            ? channels * taps * outputs.Rows
            : (((channel * taps) + (place % taps)) * outputs.Rows) + outputs[place / taps])).ToArray())];
    }

    // [R, N, C] to [R, C, N], and back.
    private static Value ChannelsLast(Value rows) => rows.Shape[1] == 1 || rows.Shape[2] == 1
        ? Reshape(rows, [rows.Shape[0], rows.Shape[2], rows.Shape[1]])
        : Transpose(rows, 0, 2, 1);
}
