using System.Collections.Immutable;
using OnnxVae.Exporters.Expansion.Convolutions;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>
/// Lays images out as rows of pixels where a convolution gains by it, and keeps them so as long as the operators that follow
/// allow it.
/// </summary>
internal static class PixelRowPass
{
    /// <summary>Rebuilds the graph behind the outputs, which stay as they were described.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="choose">The form of a convolution.</param>
    public static IReadOnlyList<Value> Apply(IReadOnlyList<Value> outputs, Func<Node, ConvolutionShape, ConvolutionForm> choose)
    {
        Node[] nodes = [.. GraphOrder.NodesOf(outputs)];
        var forms = new ConvolutionForms(nodes, choose);
        var readTwice = nodes.SelectMany(node => node.Inputs).GroupBy(value => value).Where(uses => uses.Count() > 1).Select(uses => uses.Key).ToHashSet();
        return [.. GraphRewriter.Translate<LaidOutValue>(outputs, Translate, LaidOutValue.Of).Select(value => value.Images)];

        ImmutableArray<LaidOutValue> Translate(Node node, ImmutableArray<LaidOutValue> inputs)
        {
            Value[] before = [.. inputs.SelectMany(input => input.Known)];
            if ((Convolve(node, inputs, forms.Of(node)) ?? PixelRowRules.Apply(node, inputs)) is { } result)
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
            return [.. rebuilt.Outputs.Select(LaidOutValue.Of)];
        }
    }

    private static LaidOutValue? Convolve(Node node, ImmutableArray<LaidOutValue> inputs, IConvolutionForm? form) => form is null ? null : node.OperatorType switch
    {
        Primitive.Convolution => form.Convolve(inputs[0], inputs[1].Images),
        Primitive.ConvolutionInput => form.InputGradient(inputs[0], inputs[1].Images),
        _ => LaidOutValue.Of(form.WeightGradient(inputs[0], inputs[1])),
    };
}
