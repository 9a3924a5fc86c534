using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// Per-channel factors of a convolution's outputs, as from batch normalization with its running
/// statistics, are folded into the kernels; per-channel summands become one bias. Both are computed once if weights are constant.
/// </summary>
internal static class ChannelScales
{
    /// <summary>Rebuilds the graph behind the outputs.</summary>
    public static IReadOnlyList<Value> Fold(IReadOnlyList<Value> outputs)
    {
        var readers = GraphOrder.NodesOf(outputs)
            .SelectMany(node => node.Inputs).Concat(outputs).GroupBy(value => value).ToDictionary(uses => uses.Key, uses => uses.Count());
        return GraphRewriter.Rewrite(outputs, (node, inputs) =>
        {
            if (node.Inputs.Length != 2 || readers[node.Inputs[0]] > 1 || VectorOf(inputs[1], inputs[0]) is not { } vector || Folded(node.OperatorType, inputs[0], vector) is not { } folded)
            {
                return inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs;
            }

            Node.LabelBetween(inputs, [folded], _ => node.Path);
            return [folded];
        });
    }

    /// <summary>The vector that broadcasts with images as one number per channel; null for anything else.</summary>
    /// <param name="numbers">Perhaps Float32 [C, 1, ...], reshaped from [C].</param>
    /// <param name="images">[N, C, ...].</param>
    public static Value? VectorOf(Value numbers, Value images) =>
        images.Shape.Rank > 2 && numbers.Shape.Rank == images.Shape.Rank - 1 && numbers.Shape[0] == images.Shape[1]
        && numbers.Producer is { OperatorType: "Reshape" } reshape && reshape.Inputs[0].Shape == [images.Shape[1]]
            ? reshape.Inputs[0]
            : null;

    private static Value? Folded(string operatorType, Value x, Value vector) => (operatorType, x.Producer) switch
    {
        ("Mul", { OperatorType: Primitive.Convolution } convolution) =>
            Convolution(convolution.Inputs[0], convolution.Inputs[1] * Reshape(vector, [vector.Shape[0], .. Enumerable.Repeat(1L, x.Shape.Rank - 1)]), Geometry(convolution)),
        ("Mul", { OperatorType: Primitive.ConvolutionInputGradient } transposed) when Geometry(transposed).Groups == 1 =>
            ConvolutionInputGradient(transposed.Inputs[0], transposed.Inputs[1] * PerChannel(vector, transposed.Inputs[1]), Geometry(transposed)),
        ("Mul", { OperatorType: "Add" } sum) when VectorOf(sum.Inputs[1], x) is { } bias && Folded("Mul", sum.Inputs[0], vector) is { } scaled =>
            scaled + PerChannel(bias * vector, x),
        ("Add", { OperatorType: "Add" } sum) when VectorOf(sum.Inputs[1], x) is { } bias && IsConvolution(sum.Inputs[0]) =>
            sum.Inputs[0] + PerChannel(bias + vector, x),
        _ => null,
    };

    private static bool IsConvolution(Value x) => x.Producer is { OperatorType: Primitive.Convolution or Primitive.ConvolutionInputGradient };

    private static ConvolutionGeometry Geometry(Node node) => node.Attribute<ConvolutionGeometry>("geometry");
}
