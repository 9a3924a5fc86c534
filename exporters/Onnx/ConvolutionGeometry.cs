using System.Collections.Immutable;

namespace OnnxVae.Exporters.Onnx;

/// <summary>
/// Everything that the three convolution primitives share: sizes of the image side and of the kernel, and how the kernel
/// moves. Symmetric zero padding, any number of spatial dimensions.
/// </summary>
/// <param name="ImageSize">Spatial sizes of the convolution's input.</param>
/// <param name="KernelSize">Spatial sizes of the kernel.</param>
/// <param name="Strides">Step of the kernel per dimension.</param>
/// <param name="Padding">Zeros on each side per dimension.</param>
/// <param name="Dilations">Distance of kernel taps per dimension.</param>
/// <param name="Groups">Groups into which the channels fall.</param>
public sealed record ConvolutionGeometry(
    ImmutableArray<long> ImageSize,
    ImmutableArray<long> KernelSize,
    ImmutableArray<long> Strides,
    ImmutableArray<long> Padding,
    ImmutableArray<long> Dilations,
    long Groups = 1)
{
    /// <summary>Number of spatial dimensions.</summary>
    public int SpatialRank => KernelSize.Length;

    /// <summary>Spatial sizes of the convolution's output: floor((image + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.</summary>
    public ImmutableArray<long> OutputSize => [.. Enumerable.Range(0, SpatialRank).Select(i =>
        ((ImageSize[i] + (2 * Padding[i]) - (Dilations[i] * (KernelSize[i] - 1)) - 1) / Strides[i]) + 1)];

    /// <summary>Image rows and columns at the far edges that no kernel position reaches: the <c>output_padding</c> of a transposed convolution.</summary>
    public ImmutableArray<long> Remainder => [.. Enumerable.Range(0, SpatialRank).Select(i =>
        (ImageSize[i] + (2 * Padding[i]) - (Dilations[i] * (KernelSize[i] - 1)) - 1) % Strides[i])];
}
