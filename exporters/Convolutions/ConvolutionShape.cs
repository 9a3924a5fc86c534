using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>What the three maps of a convolution have in common.</summary>
/// <param name="Geometry">How the kernel moves.</param>
/// <param name="Batch">N.</param>
/// <param name="Channels">C, of the images.</param>
/// <param name="Kernels">K, channels of the outputs.</param>
internal sealed record ConvolutionShape(ConvolutionGeometry Geometry, long Batch, long Channels, long Kernels)
{
    private const long FewChannels = 4;

    /// <summary>Images that are convolved together, as far as is known.</summary>
    public long ImagesAtATime => Batch < 0 ? CompilationTarget.ImagesAtATime : Batch;

    /// <summary>The convolution that a node computes or differentiates; null for other nodes, and where a size is not known.</summary>
    public static ConvolutionShape? Of(Node node)
    {
        var (images, outputs) = node.OperatorType switch
        {
            Primitive.Convolution => (node.Inputs[0], node.Outputs[0]),
            Primitive.ConvolutionInputGradient => (node.Outputs[0], node.Inputs[0]),
            Primitive.ConvolutionWeightGradient => (node.Inputs[0], node.Inputs[1]),
            _ => (null, null),
        };
        return images is null || images.Shape[1] < 0 || outputs!.Shape[1] < 0
            ? null
            : new ConvolutionShape(node.Attribute<ConvolutionGeometry>("geometry"), images.Shape[0], images.Shape[1], outputs.Shape[1]);
    }

    /// <summary>Whether a form can compute the convolution.</summary>
    public bool Fits(ConvolutionAlgorithm form) => form switch
    {
        ConvolutionAlgorithm.FewChannels => Channels <= FewChannels && Im2ColConvolution.Fits(Geometry),
        ConvolutionAlgorithm.FewKernels => Kernels <= FewChannels && Geometry.CanFlip && Im2ColConvolution.Fits(Geometry.Flipped),
        _ => TileOf(form) is not { } tile || WinogradConvolution.Fits(Geometry, tile),
    };

    /// <summary>The convolution under a form that <see cref="Fits"/>; null for the direct one.</summary>
    /// <param name="form">The form.</param>
    /// <param name="orderOf">The order that images of a size shall have, where the form leaves it open.</param>
    public IConvolutionAlgorithm? Under(ConvolutionAlgorithm form, Func<IReadOnlyList<long>, PixelOrder> orderOf) => form switch
    {
        ConvolutionAlgorithm.FewChannels => new Im2ColConvolution(Geometry, orderOf(Geometry.OutputSize)),
        ConvolutionAlgorithm.FewKernels => new FlippedConvolution(new Im2ColConvolution(Geometry.Flipped, orderOf(Geometry.ImageSize))),
        _ => TileOf(form) is { } tile ? new WinogradConvolution(Geometry, Batch, Channels, Kernels, tile) : null,
    };

    private static int? TileOf(ConvolutionAlgorithm form) => form switch
    {
        ConvolutionAlgorithm.Winograd2 => 2,
        ConvolutionAlgorithm.Winograd3 => 3,
        ConvolutionAlgorithm.Winograd4 => 4,
        _ => null,
    };
}
