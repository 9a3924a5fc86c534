using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Convolutions =>
    [
        Row<Conv1d>(Convolve),
        Row<Conv2d>(Convolve),
        Row<Conv3d>(Convolve),
        Row<ConvTranspose1d>(ConvolveTransposed),
        Row<ConvTranspose2d>(ConvolveTransposed),
        Row<ConvTranspose3d>(ConvolveTransposed),
        Row<Unfold>((layer, x) => Unfold(x, Patches(layer.kernel_size, layer.stride, layer.padding, layer.dilation, (x.Shape[^2], x.Shape[^1]), x.Shape[1]))),
        Row<Fold>((layer, x) => Fold(x, Patches(layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.output_size, x.Shape[1] / (layer.kernel_size.Item1 * layer.kernel_size.Item2)))),
    ];

    private static Value Convolve(ModuleLowering lowering, Convolution layer, Value x)
    {
        RequireImage(x, layer.kernel_size.Length);
        var (before, after) = PaddingOf(layer);
        bool isSymmetric = layer.padding_mode == PaddingModes.Zeros && before.SequenceEqual(after);
        var padded = isSymmetric ? x : PadImage(x, before, after, layer.padding_mode);
        var geometry = new ConvolutionGeometry(
            [.. padded.Shape.Skip(2)], [.. layer.kernel_size], [.. layer.stride], isSymmetric ? [.. before] : [.. before.Select(_ => 0L)], [.. layer.dilation], layer.groups);
        return AddPerChannel(Convolution(padded, lowering.Parameter(layer.weight), geometry), Optional(lowering, layer.bias));
    }

    private static Value ConvolveTransposed(ModuleLowering lowering, Convolution layer, Value x)
    {
        RequireImage(x, layer.kernel_size.Length);
        if (layer.output_padding is [var extra, ..] && layer.stride.Any(stride => extra >= stride))
        {
            throw new NotSupportedException($"output padding {extra} must be below the stride [{string.Join(", ", layer.stride)}]: pad the result instead.");
        }

        var geometry = new ConvolutionGeometry(
            TransposedOutputSize(layer, x), [.. layer.kernel_size], [.. layer.stride], [.. layer.padding!], [.. layer.dilation], layer.groups);
        return AddPerChannel(ConvolutionInputGradient(x, lowering.Parameter(layer.weight), geometry), Optional(lowering, layer.bias));
    }

    // "Same" keeps the size; if the number of zeros is odd, the extra one goes at the end.
    private static (long[] Before, long[] After) PaddingOf(Convolution layer)
    {
        if (layer.padding_type != Padding.Same)
        {
            long[] padding = layer.padding ?? new long[layer.kernel_size.Length];
            return (padding, padding);
        }

        long[] total = [.. layer.kernel_size.Select((size, i) => layer.dilation[i] * (size - 1))];
        return ([.. total.Select(zeros => zeros / 2)], [.. total.Select(zeros => zeros - (zeros / 2))]);
    }

    // The image that a convolution with the same settings would map to x: (in - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1.
    // TorchSharp 0.107 applies the first dimension's output padding to all dimensions, and so does this.
    private static ImmutableArray<long> TransposedOutputSize(Convolution layer, Value x) => [.. x.Shape.Skip(2).Select((size, i) =>
        ((size - 1) * layer.stride[i]) - (2 * layer.padding![i]) + (layer.dilation[i] * (layer.kernel_size[i] - 1)) + (layer.output_padding?[0] ?? 0) + 1)];

    private static void RequireImage(Value x, int spatialRank)
    {
        if (x.Shape.Rank != spatialRank + 2)
        {
            throw new ArgumentException($"the input '{x}' must have {spatialRank + 2} axes: batch, channels, and {spatialRank} of the image.");
        }
    }

    // Convolutions with one-hot kernels extract the patches, channel by channel.
    private static ConvolutionGeometry Patches(
        (long, long) kernel, (long, long)? stride, (long, long)? padding, (long, long)? dilation, (long, long) image, long channels)
    {
        static long[] Both((long, long) pair) => [pair.Item1, pair.Item2];
        return new(
            [.. Both(image)], [.. Both(kernel)], [.. Both(stride ?? (1, 1))], [.. Both(padding ?? (0, 0))], [.. Both(dilation ?? (1, 1))], channels);
    }

    // [N, C, H, W] -> [N, C taps, positions]
    private static Value Unfold(Value x, ConvolutionGeometry geometry)
    {
        var patches = Convolution(x, OneHotKernels(geometry), geometry);
        return Reshape(patches, [patches.Shape[0], patches.Shape[1], geometry.OutputSize.Product()]);
    }

    // [N, C taps, positions] -> [N, C, H, W]
    private static Value Fold(Value x, ConvolutionGeometry geometry) =>
        ConvolutionInputGradient(Reshape(x, [x.Shape[0], x.Shape[1], .. geometry.OutputSize]), OneHotKernels(geometry), geometry);

    private static Value OneHotKernels(ConvolutionGeometry geometry)
    {
        long taps = geometry.KernelSize.Product();
        var weight = new float[geometry.Groups * taps * taps];
        for (long kernel = 0; kernel < geometry.Groups * taps; kernel++)
        {
            weight[(kernel * taps) + (kernel % taps)] = 1;
        }

        return Value.Of<float>([geometry.Groups * taps, 1, .. geometry.KernelSize], weight);
    }
}
