using System.Collections.Immutable;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// Lays images out as rows of pixels where a convolution benefits, and keeps them that way as long as the following operators
/// allow it.
/// </summary>
internal static class PixelMajorPass
{
    /// <summary>Rebuilds the graph behind the outputs, which keep their original layout.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="chooser">Chooses the algorithms of convolutions.</param>
    public static IReadOnlyList<Value> Apply(IReadOnlyList<Value> outputs, ConvolutionChooser chooser)
    {
        Node[] nodes = [.. GraphOrder.NodesOf(outputs)];
        var orders = UsualOrders(nodes, chooser);
        var readTwice = nodes.SelectMany(node => node.Inputs).GroupBy(value => value).Where(uses => uses.Count() > 1).Select(uses => uses.Key).ToHashSet();
        return [.. GraphRewriter.Translate<LayoutValue>(outputs, Translate, LayoutValue.Of).Select(value => value.Images)];

        ImmutableArray<LayoutValue> Translate(Node node, ImmutableArray<LayoutValue> inputs)
        {
            Value[] before = [.. inputs.SelectMany(input => input.Known)];
            if ((Convolve(node, inputs, chooser.InPixelMajor(node, size => orders.GetValueOrDefault((size[0], size[1])) ?? PixelOrder.RowMajor(size))) ?? PixelMajorRules.Apply(node, inputs)) is { } result)
            {
                if (readTwice.Contains(node.Outputs[0]))
                {
                    result.ComputeSums();
                }

                Node.LabelBetween(before, result.Known, _ => node.Path);
                return [result];
            }

            ImmutableArray<Value> images = [.. inputs.Select(input => input.Images)];
            var rebuilt = images.SequenceEqual(node.Inputs) ? node : node.With(images);
            Node.LabelBetween(images, rebuilt.Outputs, _ => node.Path);
            return [.. rebuilt.Outputs.Select(LayoutValue.Of)];
        }
    }

    // The most common order of images of a size, so that others of that size can use it as well.
    private static Dictionary<(long Height, long Width), PixelOrder> UsualOrders(IEnumerable<Node> nodes, ConvolutionChooser chooser) => nodes
        .Select(node => chooser.InPixelMajor(node, PixelOrder.RowMajor))
        .SelectMany(algorithm => new[] { algorithm?.ImageOrder, algorithm?.OutputOrder }.OfType<PixelOrder>())
        .GroupBy(order => (order.Map.Height, order.Map.Width))
        .ToDictionary(group => group.Key, group => group.GroupBy(order => order).MaxBy(same => same.Count())!.Key);

    private static LayoutValue? Convolve(Node node, ImmutableArray<LayoutValue> inputs, IConvolutionAlgorithm? algorithm) => algorithm is null ? null : node.OperatorType switch
    {
        Primitive.Convolution => algorithm.Convolve(inputs[0], inputs[1].Images),
        Primitive.ConvolutionInputGradient => algorithm.InputGradient(inputs[0], inputs[1].Images),
        _ => LayoutValue.Of(algorithm.WeightGradient(inputs[0], inputs[1])),
    };
}
