using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>What the three maps of a convolution have in common.</summary>
/// <param name="Geometry">How the kernel moves.</param>
/// <param name="Batch">N.</param>
/// <param name="Channels">C, of the images.</param>
/// <param name="Kernels">K, channels of the outputs.</param>
internal sealed record ConvolutionShape(ConvolutionGeometry Geometry, long Batch, long Channels, long Kernels)
{
    private const long FewChannels = 4;

    /// <summary>Images that are convolved together, as far as is known.</summary>
    public long ImagesAtATime => Batch < 0 ? ExpansionTarget.ImagesAtATime : Batch;

    /// <summary>The convolution that a node computes or differentiates; null for other nodes, and where a size is not known.</summary>
    public static ConvolutionShape? Of(Node node)
    {
        var (images, outputs) = node.OperatorType switch
        {
            Primitive.Convolution => (node.Inputs[0], node.Outputs[0]),
            Primitive.ConvolutionInput => (node.Outputs[0], node.Inputs[0]),
            Primitive.ConvolutionWeight => (node.Inputs[0], node.Inputs[1]),
            _ => (null, null),
        };
        return images is null || images.Shape[1] < 0 || outputs!.Shape[1] < 0
            ? null
            : new ConvolutionShape(node.Attribute<ConvolutionGeometry>("geometry"), images.Shape[0], images.Shape[1], outputs.Shape[1]);
    }

    /// <summary>Whether a form can compute the convolution.</summary>
    public bool Fits(ConvolutionForm form) => form switch
    {
        ConvolutionForm.FewChannels => Channels <= FewChannels && FewChannelsConvolution.Fits(Geometry),
        ConvolutionForm.FewKernels => Kernels <= FewChannels && Geometry.CanTurn && FewChannelsConvolution.Fits(Geometry.Turned),
        _ => TileOf(form) is not { } tile || WinogradConvolution.Fits(Geometry, tile),
    };

    /// <summary>The convolution under a form that <see cref="Fits"/>; null for the direct one.</summary>
    /// <param name="form">The form.</param>
    /// <param name="orderOf">The order that images of a size shall have, where the form leaves it open.</param>
    public IConvolutionForm? Under(ConvolutionForm form, Func<IReadOnlyList<long>, RowOrder> orderOf) => form switch
    {
        ConvolutionForm.FewChannels => new FewChannelsConvolution(Geometry, orderOf(Geometry.OutputSize)),
        ConvolutionForm.FewKernels => new TurnedConvolution(new FewChannelsConvolution(Geometry.Turned, orderOf(Geometry.ImageSize))),
        _ => TileOf(form) is { } tile ? new WinogradConvolution(Geometry, Batch, Channels, Kernels, tile) : null,
    };

    private static int? TileOf(ConvolutionForm form) => form switch
    {
        ConvolutionForm.Winograd2 => 2,
        ConvolutionForm.Winograd3 => 3,
        ConvolutionForm.Winograd4 => 4,
        _ => null,
    };
}
