using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>Chooses how the convolutions of a graph are computed: each of them alike in all its three maps.</summary>
internal sealed class ConvolutionForms
{
    private const long FewChannels = 4;
    private const long FewestChannels = 16;
    private const long SmallestOfLargeTiles = 8;

    private readonly Dictionary<(long Height, long Width), RowOrder> orders;

    /// <summary>Looks at all convolutions of a graph.</summary>
    public ConvolutionForms(IEnumerable<Node> nodes)
    {
        // The order in which most of the images of a size come, so that others of that size can come in it as well.
        orders = nodes.Select(Winograd).OfType<WinogradConvolution>()
            .SelectMany(form => new[] { form.ImageOrder, form.OutputOrder })
            .GroupBy(order => (order.Map.Height, order.Map.Width))
            .ToDictionary(group => group.Key, group => group.GroupBy(order => order).MaxBy(same => same.Count())!.Key);
    }

    /// <summary>The form in rows of pixels for a node; null where it is no convolution, or the direct operators are faster.</summary>
    public IConvolutionForm? Choose(Node node)
    {
        if (ConvolutionShape.Of(node) is not { } shape)
        {
            return null;
        }

        var geometry = shape.Geometry;
        if (shape.Channels <= FewChannels && FewChannelsConvolution.Fits(geometry))
        {
            return new FewChannelsConvolution(geometry, OrderOf(geometry.OutputSize));
        }

        if (shape.Kernels <= FewChannels && geometry.CanTurn && FewChannelsConvolution.Fits(geometry.Turned))
        {
            return new TurnedConvolution(new FewChannelsConvolution(geometry.Turned, OrderOf(geometry.ImageSize)));
        }

        return Winograd(node);
    }

    private static WinogradConvolution? Winograd(Node node)
    {
        if (ConvolutionShape.Of(node) is not { } shape || shape.Channels < FewestChannels || shape.Kernels < FewestChannels)
        {
            return null;
        }

        int tile = shape.Geometry.OutputSize.Max() < SmallestOfLargeTiles ? 2 : 4;
        return WinogradConvolution.Fits(shape.Geometry, tile) ? new WinogradConvolution(shape.Geometry, shape.Batch, shape.Channels, shape.Kernels, tile) : null;
    }

    private RowOrder OrderOf(IReadOnlyList<long> size) => orders.GetValueOrDefault((size[0], size[1])) ?? RowOrder.RowMajor(size[0], size[1]);
}
