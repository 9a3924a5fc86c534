using System.Collections.Immutable;
using OnnxVae.Exporters.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>>[] Convolutions =>
    [
        Row<Conv2d>((lowering, layer, x) => AddChannelBias(
            lowering, layer.bias, Convolution(x, lowering.Parameter(layer.weight), Geometry(layer, [.. x.Shape.Skip(2)])))),
        Row<ConvTranspose2d>((lowering, layer, x) => AddChannelBias(
            lowering, layer.bias, ConvolutionInput(x, lowering.Parameter(layer.weight), Geometry(layer, TransposedOutputSize(layer, x))))),
    ];

    private static ConvolutionGeometry Geometry(Convolution layer, ImmutableArray<long> imageSize)
    {
        if (layer.padding_mode != PaddingModes.Zeros || layer.padding_type is not null)
        {
            throw new NotSupportedException(
                $"{layer.GetType().Name} with padding mode {layer.padding_mode} and padding {layer.padding_type} is not supported: give numbers, with padding mode Zeros.");
        }

        return new ConvolutionGeometry(
            imageSize, [.. layer.kernel_size], [.. layer.stride], [.. layer.padding!], [.. layer.dilation], layer.groups);
    }

    // The image of which a convolution with the same settings would make x: (in - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1.
    // TorchSharp 0.107 applies the first dimension's output padding to all of them, and so does this.
    private static ImmutableArray<long> TransposedOutputSize(Convolution layer, Value x) => [.. x.Shape.Skip(2).Select((size, i) =>
        ((size - 1) * layer.stride[i]) - (2 * layer.padding![i]) + (layer.dilation[i] * (layer.kernel_size[i] - 1)) + (layer.output_padding?[0] ?? 0) + 1)];

    // [N, C, H, W] + [C, 1, 1]
    private static Value AddChannelBias(ModuleLowering lowering, Parameter? bias, Value y) => bias is null
        ? y
        : y + Reshape(lowering.Parameter(bias), [y.Shape[1], .. Enumerable.Repeat(1L, y.Shape.Rank - 2)]);
}
