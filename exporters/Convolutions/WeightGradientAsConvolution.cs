using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// The weight gradient as one convolution of the image with the output's gradient as a large kernel, channels and batch
/// exchanged: dw[k, c, t] = sum over n, r of x[n, c, stride r + dilation t - padding] dy[n, k, r]. Strides and dilations
/// swap places. Any geometry, any number of groups.
/// </summary>
internal static class WeightGradientAsConvolution
{
    public static Value Compute(Value x, Value dy, ConvolutionGeometry geometry)
    {
        long batch = x.Shape[0], groups = geometry.Groups, channels = x.Shape[1] / groups, kernels = dy.Shape[1];
        int[] spatial = [.. Enumerable.Range(0, geometry.SpatialRank)];

        // [N, G C, ...] -> [N, G, C, ...] -> [C, G, N, ...] -> [C, G N, ...]
        var image = Reshape(x, [batch, groups, channels, .. geometry.ImageSize]);
        image = Transpose(image, [2, 1, 0, .. spatial.Select(i => i + 3)]);
        image = Reshape(image, [channels, groups * batch, .. geometry.ImageSize]);
        var kernel = Transpose(dy, [1, 0, .. spatial.Select(i => i + 2)]);

        var exchanged = geometry with { KernelSize = geometry.OutputSize, Strides = geometry.Dilations, Dilations = geometry.Strides };
        var dw = Conv(image, kernel, exchanged);
        foreach (int i in spatial)
        {
            dw = Slice(dw, i + 2, 0, geometry.KernelSize[i]);
        }

        return Transpose(dw, [1, 0, .. spatial.Select(i => i + 2)]); // [C, K, kernel] -> [K, C, kernel]
    }
}
