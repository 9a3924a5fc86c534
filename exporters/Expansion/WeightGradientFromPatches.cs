using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion;

/// <summary>
/// The weight gradient as one matrix product of image patches with the output's gradient (im2col; Chellapilla, Puri and
/// Simard 2006): dw[t, c, k] = sum over n, r of patch[n, r, t, c] dy[n, r, k]. Pixels are rows of channels, so that one
/// Gather with constant indices copies whole rows; a row of zeros stands for the padding. One group.
/// </summary>
internal static class WeightGradientFromPatches
{
    public static Value Expand(Value x, Value dy, ConvolutionGeometry geometry)
    {
        long batch = x.Shape[0], channels = x.Shape[1], kernels = dy.Shape[1];
        long pixels = geometry.ImageSize.Product(), positions = geometry.OutputSize.Product(), taps = geometry.KernelSize.Product();

        var rows = Transpose(Reshape(x, [batch, channels, pixels]), 0, 2, 1);
        rows = Pad(rows, axis: 1, before: 0, after: 1);
        var patches = Gather(rows, axis: 1, geometry.PixelsUnderTaps()); // [N, positions taps, C]
        var gradient = Transpose(Reshape(dy, [batch, kernels, positions]), 0, 2, 1); // [N, positions, K]
        var dw = Gemm(
            Reshape(patches, [batch * positions, taps * channels]),
            Reshape(gradient, [batch * positions, kernels]),
            transA: true); // [taps C, K]
        return Reshape(Transpose(Reshape(dw, [taps, channels, kernels]), 2, 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }
}
