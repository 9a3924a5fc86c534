using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>Chooses how the convolutions of a graph are computed.</summary>
internal sealed class ConvolutionAlgorithms
{
    private readonly Func<Node, ConvolutionShape, ConvolutionAlgorithm> choose;
    private readonly Dictionary<(long Height, long Width), PixelOrder> orders;

    /// <summary>Looks at all convolutions of a graph.</summary>
    /// <param name="nodes">The graph's nodes.</param>
    /// <param name="choose">The form of a node that has a shape.</param>
    public ConvolutionAlgorithms(IEnumerable<Node> nodes, Func<Node, ConvolutionShape, ConvolutionAlgorithm> choose)
    {
        this.choose = choose;

        // The order in which most of the images of a size come, so that others of that size can come in it as well.
        orders = nodes
            .Select(node => Under(node, PixelOrder.RowMajor))
            .SelectMany(form => new[] { form?.ImageOrder, form?.OutputOrder }.OfType<PixelOrder>())
            .GroupBy(order => (order.Map.Height, order.Map.Width))
            .ToDictionary(group => group.Key, group => group.GroupBy(order => order).MaxBy(same => same.Count())!.Key);
    }

    /// <summary>The form in rows of pixels for a node; null where it is no convolution, or a direct one.</summary>
    public IConvolutionAlgorithm? Of(Node node) => Under(node, size => orders.GetValueOrDefault((size[0], size[1])) ?? PixelOrder.RowMajor(size));

    private IConvolutionAlgorithm? Under(Node node, Func<IReadOnlyList<long>, PixelOrder> orderOf) =>
        ConvolutionShape.Of(node) is { } shape ? shape.Under(choose(node, shape), orderOf) : null;
}
