using System.Collections.Immutable;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// Lays images out as rows of pixels where a convolution gains by it, and keeps them so as long as the operators that follow
/// allow it.
/// </summary>
internal static class PixelMajorPass
{
    /// <summary>Rebuilds the graph behind the outputs, which stay as they were described.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="choose">The form of a convolution.</param>
    public static IReadOnlyList<Value> Apply(IReadOnlyList<Value> outputs, Func<Node, ConvolutionShape, ConvolutionAlgorithm> choose)
    {
        Node[] nodes = [.. GraphOrder.NodesOf(outputs)];
        var forms = new ConvolutionAlgorithms(nodes, choose);
        var readTwice = nodes.SelectMany(node => node.Inputs).GroupBy(value => value).Where(uses => uses.Count() > 1).Select(uses => uses.Key).ToHashSet();
        return [.. GraphRewriter.Translate<LayoutValue>(outputs, Translate, LayoutValue.Of).Select(value => value.Images)];

        ImmutableArray<LayoutValue> Translate(Node node, ImmutableArray<LayoutValue> inputs)
        {
            Value[] before = [.. inputs.SelectMany(input => input.Known)];
            if ((Convolve(node, inputs, forms.Of(node)) ?? PixelMajorRules.Apply(node, inputs)) is { } result)
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

    private static LayoutValue? Convolve(Node node, ImmutableArray<LayoutValue> inputs, IConvolutionAlgorithm? form) => form is null ? null : node.OperatorType switch
    {
        Primitive.Convolution => form.Convolve(inputs[0], inputs[1].Images),
        Primitive.ConvolutionInputGradient => form.InputGradient(inputs[0], inputs[1].Images),
        _ => LayoutValue.Of(form.WeightGradient(inputs[0], inputs[1])),
    };
}
