using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// The weight gradient as one matrix product per kernel tap: dw[t, c, k] = sum over n, r of x[n, c, stride r + dilation t - padding] dy[n, k, r]. The pixels under a tap
/// are a slice of the padded image, so that nothing grows with the product of pixels and taps. Any geometry, any number of groups.
/// </summary>
internal static class WeightGradientByTaps
{
    public static Value Compute(Value x, Value dy, ConvolutionGeometry geometry)
    {
        long batch = x.Shape[0], groups = geometry.Groups, channels = x.Shape[1] / groups, kernels = dy.Shape[1] / groups, positions = geometry.OutputSize.Product();
        var padded = Pad(x, [0, 0, .. geometry.Padding], [0, 0, .. geometry.Padding]);
        var gradient = Transpose(Reshape(dy, [batch, groups, kernels, positions]), 0, 1, 3, 2); // [N, G, positions, K]
        var taps = new List<Value>();
        for (long tap = 0; tap < geometry.KernelSize.Product(); tap++)
        {
            var under = padded;
            long rest = tap;
            for (int axis = geometry.SpatialRank - 1; axis >= 0; axis--)
            {
                long first = rest % geometry.KernelSize[axis] * geometry.Dilations[axis], stride = geometry.Strides[axis];
                under = Slice(under, axis + 2, first, first + (stride * (geometry.OutputSize[axis] - 1)) + 1, stride);
                rest /= geometry.KernelSize[axis];
            }

            var product = MatMul(Reshape(under, [batch, groups, channels, positions]), gradient); // [N, G, C, K]
            taps.Add(Reshape(ReduceSum(product, [0]), [1, groups, channels, kernels]));
        }

        return Reshape(Transpose(Concat(0, [.. taps]), 1, 3, 2, 0), [groups * kernels, channels, .. geometry.KernelSize]);
    }
}
