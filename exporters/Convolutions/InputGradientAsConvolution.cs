using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// The input gradient of a convolution with stride 1 as a convolution of the output's gradient with flipped kernels,
/// channels exchanged: dx[c, p] = sum over k, t of dy[k, p + padding - dilation t] w[k, c, t].
/// </summary>
internal static class InputGradientAsConvolution
{
    public static Value Compute(Value dy, Value weight, ConvolutionGeometry geometry)
    {
        long groups = geometry.Groups, kernels = weight.Shape[0] / groups, channels = weight.Shape[1], taps = geometry.KernelSize.Product();
        var byTap = Reshape(weight, [groups, kernels, channels, taps]);
        var turned = Gather(Transpose(byTap, 0, 2, 1, 3), 3, geometry.ReversedTaps);
        return Conv(dy, Reshape(turned, [groups * channels, kernels, .. geometry.KernelSize]), geometry.Flipped);
    }
}
