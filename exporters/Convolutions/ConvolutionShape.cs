using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>What a convolution and its two gradients have in common.</summary>
/// <param name="Geometry">How the kernel moves.</param>
/// <param name="Batch">N.</param>
/// <param name="Channels">C, of the images.</param>
/// <param name="Kernels">K, channels of the outputs.</param>
internal sealed record ConvolutionShape(ConvolutionGeometry Geometry, long Batch, long Channels, long Kernels)
{
    /// <summary>Images that are convolved together; the batch size that files are tuned for if it is open.</summary>
    public long ImagesAtATime => Batch < 0 ? CompilationTarget.ImagesAtATime : Batch;

    /// <summary>The convolution that a node computes or differentiates; null for other nodes, and if a size is not known.</summary>
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
}
