using System.Collections.Immutable;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Expansion;

/// <summary>Turns primitives into standard ONNX operators, when a model is collected for writing.</summary>
internal static class Expander
{
    /// <summary>Rebuilds the graph behind the outputs; values that need no change stay the same objects.</summary>
    public static IReadOnlyList<Value> Expand(IReadOnlyList<Value> outputs)
    {
        var expanded = new Dictionary<Value, Value>();
        foreach (var y in GraphOrder.Of(outputs))
        {
            ImmutableArray<Value> inputs = [.. y.Inputs.Select(x => expanded[x])];
            var result = y.Producer is { } node ? Expand(y, node, inputs) : y;
            Node.LabelBetween(inputs, [result], _ => y.Producer!.Path);
            expanded[y] = result;
        }

        return [.. outputs.Select(y => expanded[y])];
    }

    private static Value Expand(Value y, Node node, ImmutableArray<Value> inputs) => node.OperatorType switch
    {
        Primitive.StopGradient => inputs[0],
        Primitive.Convolution => Ops.Conv(inputs[0], inputs[1], Geometry(node)),
        Primitive.ConvolutionInput => Ops.ConvTranspose(inputs[0], inputs[1], Geometry(node)),
        Primitive.ConvolutionWeight => WeightGradient(inputs[0], inputs[1], Geometry(node)),
        _ when inputs.SequenceEqual(node.Inputs) => y,
        _ => Value.Computed(new Node(node.OperatorType, inputs, node.Attributes), y.Type, y.Shape),
    };

    // Patches cost a copy of every pixel per kernel tap and then run at the speed of a matrix product; with few channels
    // the copies are too short, with groups the product falls apart.
    private static Value WeightGradient(Value x, Value dy, ConvolutionGeometry geometry) => geometry.Groups == 1 && x.Shape[1] >= 8
        ? WeightGradientFromPatches.Expand(x, dy, geometry)
        : WeightGradientAsConvolution.Expand(x, dy, geometry);

    private static ConvolutionGeometry Geometry(Node node) => node.Attribute<ConvolutionGeometry>("geometry");
}
