using System.Collections.Immutable;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Passes;

/// <summary>Turns primitives into standard ONNX operators.</summary>
internal static class PrimitiveLowering
{
    /// <summary>Rebuilds the graph behind the outputs; nodes that need no change stay the same objects.</summary>
    /// <param name="outputs">The values to write.</param>
    /// <param name="chooser">Chooses the algorithms of convolutions.</param>
    public static IReadOnlyList<Value> Lower(IReadOnlyList<Value> outputs, ConvolutionChooser chooser) => GraphRewriter.Rewrite(outputs, (node, inputs) =>
    {
        var lowered = Lower(node, inputs, chooser);
        Node.LabelBetween(inputs, lowered, _ => node.Path);
        return lowered;
    });

    private static ImmutableArray<Value> Lower(Node node, ImmutableArray<Value> inputs, ConvolutionChooser chooser) => node.OperatorType switch
    {
        _ when node.IsOpaque => inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs,
        Primitive.StopGradient or Primitive.StraightThrough or Primitive.SumOverParts or Primitive.OfFirstPart => [inputs[0]],
        Primitive.HardTanh => [Ops.Clip(inputs[0], inputs[1], inputs[2])],
        Primitive.Softplus => [Softplus(inputs[0])],
        Primitive.Silu => [inputs[0] * Ops.Sigmoid(inputs[0])],
        Primitive.Convolution => [chooser.OnImages(node).Convolve(LayoutValue.Of(inputs[0]), inputs[1]).Images],
        Primitive.ConvolutionInputGradient => [chooser.OnImages(node).InputGradient(LayoutValue.Of(inputs[0]), inputs[1]).Images],
        Primitive.ConvolutionWeightGradient => [chooser.OnImages(node).WeightGradient(LayoutValue.Of(inputs[0]), LayoutValue.Of(inputs[1]))],
        Primitive.ScatterAdd => [ScatterAddLowering.Lower(inputs[0], inputs[1], (int)node.Attribute<long>("axis"), node.Attribute<long>("size"))],
        Primitive.Normalize => [NormalizationLowering.Normalize(inputs[0], node.Attribute<long[]>("axes"), node.Attribute<float>("epsilon"))],
        Primitive.ReciprocalDeviation => [NormalizationLowering.ReciprocalDeviation(inputs[0], node.Attribute<long[]>("axes"), node.Attribute<float>("epsilon"))],
        "Cast" when node.Outputs[0].Type == ElementType.Float32 && IsPositive(inputs[0]) => [PositiveMask(inputs[0].Inputs[0])],
        "Add" when BiasOf(inputs) is { } bias => WithBias(inputs[0].Producer!, bias),
        _ => inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs,
    };

    // A number per channel that is added to a convolution is a bias, which the operators add as they write their output.
    private static Value? BiasOf(ImmutableArray<Value> inputs) =>
        inputs[0].Producer is { OperatorType: "Conv" or "ConvTranspose", Inputs.Length: 2 } ? ChannelScales.VectorOf(inputs[1], inputs[0]) : null;

    private static ImmutableArray<Value> WithBias(Node convolution, Value bias) => new Node(
        convolution.OperatorType, [.. convolution.Inputs, bias], convolution.Attributes, convolution.Outputs.Select(output => (output.Type, output.Shape))).Outputs;

    // 1 where x > 0, else 0; something in between for denormal numbers. Comparing and casting takes several times as long.
    private static Value PositiveMask(Value x) => Ops.HardSigmoid(x, float.MaxValue, 0f);

    private static bool IsPositive(Value condition) =>
        condition.Producer is { OperatorType: "Greater" } node && node.Inputs[1] is { Constant: { Type: ElementType.Float32 } bound, Shape.ElementCount: 1 } && bound.As<float>()[0] == 0
        && condition.Shape == node.Inputs[0].Shape;

    // ONNX Runtime's own Softplus takes several times as long.
    private static Value Softplus(Value x) => Ops.Relu(x) + Ops.Log(1f + Ops.Exp(-Ops.Abs(x)));
}
