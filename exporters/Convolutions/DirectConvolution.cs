using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>What the weight gradient takes patches of.</summary>
internal enum PatchSource
{
    /// <summary>There are none: the gradient is a convolution.</summary>
    None,

    /// <summary>The images.</summary>
    Images,

    /// <summary>The output gradient, for few kernels.</summary>
    Outputs,

    /// <summary>The images, a tap of the kernel at a time.</summary>
    Taps,
}

/// <summary>A convolution on images by ONNX's own operators: any geometry.</summary>
/// <param name="geometry">The geometry.</param>
internal sealed class DirectConvolution(ConvolutionGeometry geometry) : IConvolutionAlgorithm
{
    /// <summary>Whether the input gradient is a convolution with flipped kernels instead of a transposed one.</summary>
    public bool FlipsKernels { get; init; }

    /// <summary>What the weight gradient takes patches of.</summary>
    public PatchSource Patches { get; init; }

    /// <summary>How many numbers the patches of a product may be at most; a larger batch is computed in parts.</summary>
    public long MostPatches { get; init; } = long.MaxValue;

    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight) => LayoutValue.Of(Conv(x.Images, weight, geometry));

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight) => LayoutValue.Of(
        FlipsKernels ? InputGradientAsConvolution.Compute(dy.Images, weight, geometry) : ConvTranspose(dy.Images, weight, geometry));

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy) => Patches switch
    {
        PatchSource.Images => WeightGradientByPatches.OfImages(x.Images, dy.Images, geometry, MostPatches),
        PatchSource.Outputs => WeightGradientByPatches.OfOutputs(x.Images, dy.Images, geometry),
        PatchSource.Taps => WeightGradientByTaps.Compute(x.Images, dy.Images, geometry),
        _ => WeightGradientAsConvolution.Compute(x.Images, dy.Images, geometry),
    };
}
