using OnnxVae.Exporters.Expansion.Layout;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Convolutions;

/// <summary>Chooses how the convolutions of a graph are computed.</summary>
internal sealed class ConvolutionForms
{
    private readonly Func<Node, ConvolutionShape, ConvolutionForm> choose;
    private readonly Dictionary<(long Height, long Width), RowOrder> orders;

    /// <summary>Looks at all convolutions of a graph.</summary>
    /// <param name="nodes">The graph's nodes.</param>
    /// <param name="choose">The form of a node that has a shape.</param>
    public ConvolutionForms(IEnumerable<Node> nodes, Func<Node, ConvolutionShape, ConvolutionForm> choose)
    {
        this.choose = choose;

        // The order in which most of the images of a size come, so that others of that size can come in it as well.
        orders = nodes
            .Select(node => Under(node, RowOrder.RowMajor))
            .SelectMany(form => new[] { form?.ImageOrder, form?.OutputOrder }.OfType<RowOrder>())
            .GroupBy(order => (order.Map.Height, order.Map.Width))
            .ToDictionary(group => group.Key, group => group.GroupBy(order => order).MaxBy(same => same.Count())!.Key);
    }

    /// <summary>The form in rows of pixels for a node; null where it is no convolution, or a direct one.</summary>
    public IConvolutionForm? Of(Node node) => Under(node, size => orders.GetValueOrDefault((size[0], size[1])) ?? RowOrder.RowMajor(size));

    private IConvolutionForm? Under(Node node, Func<IReadOnlyList<long>, RowOrder> orderOf) =>
        ConvolutionShape.Of(node) is { } shape ? shape.Under(choose(node, shape), orderOf) : null;
}
