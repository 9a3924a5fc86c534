using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// The weight gradient as one matrix product of image patches with the output's gradient (im2col; Chellapilla, Puri and
/// Simard 2006): dw[t, c, k] = sum over n, r of patch[n, r, t, c] dy[n, r, k]. Pixels are rows of channels, so that one
/// Gather with constant indices copies whole rows; a row of zeros stands for the padding. One group.
/// </summary>
internal static class WeightGradientByPatches
{
    /// <summary>With patches of the images.</summary>
    public static Value OfImages(Value x, Value dy, ConvolutionGeometry geometry) =>
        Reshape(Transpose(PatchProduct(x, dy, geometry), 2, 1, 0), [dy.Shape[1], x.Shape[1], .. geometry.KernelSize]);

    /// <summary>With patches of dy, which are fewer numbers if it has fewer channels: with stride 1 an output lies under each pixel and tap.</summary>
    public static Value OfOutputs(Value x, Value dy, ConvolutionGeometry geometry)
    {
        var flipped = Gather(PatchProduct(dy, x, geometry.Flipped), 0, geometry.ReversedTaps); // [taps, K, C]
        return Reshape(Transpose(flipped, 1, 2, 0), [dy.Shape[1], x.Shape[1], .. geometry.KernelSize]);
    }

    // [N, C, image] and [N, K, output] to [taps, C, K]
    private static Value PatchProduct(Value image, Value output, ConvolutionGeometry geometry)
    {
        long batch = image.Shape[0], channels = image.Shape[1], kernels = output.Shape[1];
        long pixels = geometry.ImageSize.Product(), positions = geometry.OutputSize.Product(), taps = geometry.KernelSize.Product();

        var rows = Transpose(Reshape(image, [batch, channels, pixels]), 0, 2, 1);
        rows = Concat(1, rows, ConstantOfShape([batch, 1, channels], 0f));
        var patches = Gather(rows, axis: 1, geometry.PixelsUnderTaps()); // [N, positions taps, C]
        var gradient = Transpose(Reshape(output, [batch, kernels, positions]), 0, 2, 1); // [N, positions, K]
        var product = Gemm(
            Reshape(patches, [batch * positions, taps * channels]),
            Reshape(gradient, [batch * positions, kernels]),
            transA: true); // [taps C, K]
        return Reshape(product, [taps, channels, kernels]);
    }
}
