using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// The weight gradient as one matrix product of image patches with the output's gradient (im2col; Chellapilla, Puri and
/// Simard 2006): dw[t, c, k] = sum over n, r of patch[n, r, t, c] dy[n, r, k]. Pixels are rows of channels, so that one
/// Gather with constant indices copies whole rows; a row of zeros stands for the padding.
/// </summary>
internal static class WeightGradientByPatches
{
    /// <summary>With patches of the images; any number of groups, each with a product of its own.</summary>
    /// <param name="x">The images, [N, C, ...].</param>
    /// <param name="dy">The output's gradient, [N, K, ...].</param>
    /// <param name="geometry">The convolution.</param>
    /// <param name="mostPatches">How many numbers the patches may be; more images are taken in parts, whose gradients are added.</param>
    public static Value OfImages(Value x, Value dy, ConvolutionGeometry geometry, long mostPatches)
    {
        long batch = x.Shape[0], images = Math.Clamp(mostPatches / (x.Shape[1] * geometry.OutputSize.Product() * geometry.KernelSize.Product()), 1, batch);
        Value? sum = null;
        for (long first = 0; first < batch; first += images)
        {
            var part = images == batch ? OfPart(x, dy, geometry)
                : OfPart(Slice(x, 0, first, Math.Min(batch, first + images)), Slice(dy, 0, first, Math.Min(batch, first + images)), geometry);
            sum = sum is null ? part : sum + part;
        }

        return sum!;
    }

    /// <summary>With patches of dy, which are fewer numbers if it has fewer channels: with stride 1 an output lies under each pixel and tap. One group.</summary>
    public static Value OfOutputs(Value x, Value dy, ConvolutionGeometry geometry)
    {
        var flipped = Gather(PatchProduct(dy, x, geometry.Flipped), 0, geometry.ReversedTaps); // [taps, K, C]
        return Reshape(Transpose(flipped, 1, 2, 0), [dy.Shape[1], x.Shape[1], .. geometry.KernelSize]);
    }

    private static Value OfPart(Value x, Value dy, ConvolutionGeometry geometry) => geometry.Groups > 1
        ? OfGroups(x, dy, geometry)
        : Reshape(Transpose(PatchProduct(x, dy, geometry), 2, 1, 0), [dy.Shape[1], x.Shape[1], .. geometry.KernelSize]);

    // [N, C, image] and [N, K, output] to [taps, C, K]
    private static Value PatchProduct(Value image, Value output, ConvolutionGeometry geometry)
    {
        long channels = image.Shape[1], kernels = output.Shape[1], taps = geometry.KernelSize.Product(), rows = output.Shape[0] * geometry.OutputSize.Product();
        var product = Gemm(
            Reshape(PatchesOf(image, geometry), [rows, taps * channels]),
            Reshape(PixelRows(output), [rows, kernels]),
            transA: true); // [taps C, K]
        return Reshape(product, [taps, channels, kernels]);
    }

    // [N, G C, image] and [N, G K, output] to [G K, C, kernel]
    private static Value OfGroups(Value image, Value output, ConvolutionGeometry geometry)
    {
        long groups = geometry.Groups, channels = image.Shape[1] / groups, kernels = output.Shape[1] / groups;
        long taps = geometry.KernelSize.Product(), rows = output.Shape[0] * geometry.OutputSize.Product();
        var patches = Transpose(Reshape(PatchesOf(image, geometry), [rows, taps, groups, channels]), 2, 1, 3, 0);
        var gradient = Transpose(Reshape(PixelRows(output), [rows, groups, kernels]), 1, 0, 2);
        var product = MatMul(Reshape(patches, [groups, taps * channels, rows]), gradient); // [G, taps C, K]
        return Reshape(Transpose(Reshape(product, [groups, taps, channels, kernels]), 0, 3, 2, 1), [groups * kernels, channels, .. geometry.KernelSize]);
    }

    // [N, C, image] to [N, positions taps, C]
    private static Value PatchesOf(Value image, ConvolutionGeometry geometry)
    {
        var rows = Concat(1, PixelRows(image), ConstantOfShape([image.Shape[0], 1, image.Shape[1]], 0f));
        return Gather(rows, axis: 1, geometry.PixelsUnderTaps());
    }

    // [N, C, ...] to [N, pixels, C]
    private static Value PixelRows(Value x) => Transpose(Reshape(x, [x.Shape[0], x.Shape[1], x.Shape.ElementCount / (x.Shape[0] * x.Shape[1])]), 0, 2, 1);
}
