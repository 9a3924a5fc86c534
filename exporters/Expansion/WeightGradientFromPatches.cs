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
        long pixels = Product(geometry.ImageSize), positions = Product(geometry.OutputSize), taps = Product(geometry.KernelSize);

        var rows = Transpose(Reshape(x, [batch, channels, pixels]), 0, 2, 1);
        rows = Pad(rows, axis: 1, before: 0, after: 1);
        var patches = Gather(rows, axis: 1, PatchIndices(geometry, pixels)); // [N, positions taps, C]
        var gradient = Transpose(Reshape(dy, [batch, kernels, positions]), 0, 2, 1); // [N, positions, K]
        var dw = Gemm(
            Reshape(patches, [batch * positions, taps * channels]),
            Reshape(gradient, [batch * positions, kernels]),
            transA: true); // [taps C, K]
        return Reshape(Transpose(Reshape(dw, [taps, channels, kernels]), 2, 1, 0), [kernels, channels, .. geometry.KernelSize]);
    }

    // For each position and tap, in row-major order, the pixel under the tap; outside the image, the row of zeros.
    private static long[] PatchIndices(ConvolutionGeometry geometry, long zeroRow) =>
    [
        .. from position in Coordinates(geometry.OutputSize)
           from tap in Coordinates(geometry.KernelSize)
           let pixel = position.Select((p, i) => (p * geometry.Strides[i]) + (tap[i] * geometry.Dilations[i]) - geometry.Padding[i]).ToArray()
           select pixel.Select((p, i) => p >= 0 && p < geometry.ImageSize[i]).All(inside => inside)
               ? pixel.Select((p, i) => (p, i)).Aggregate(0L, (index, at) => (index * geometry.ImageSize[at.i]) + at.p)
               : zeroRow,
    ];

    private static IEnumerable<long[]> Coordinates(IReadOnlyList<long> size) => Enumerable.Range(0, (int)Product(size)).Select(flat =>
    {
        var coordinate = new long[size.Count];
        for (int i = size.Count - 1; i >= 0; i--)
        {
            (flat, coordinate[i]) = (flat / (int)size[i], flat % size[i]);
        }

        return coordinate;
    });

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
