using System.Collections.Immutable;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Passes;

/// <summary>Turns primitives into standard ONNX operators.</summary>
internal static class PrimitiveLowering
{
    private const long FewestChannelsToTurn = 8;
    private const long FewestPixelsToTurn = 128;
    private const long FewestChannelsOfPatches = 8;
    private const long FewerKernels = 4;
    private const long LargestPatchIndex = 1L << 24;
    private const long LargestPatches = 1L << 30;

    /// <summary>Rebuilds the graph behind the outputs; nodes that need no change stay the same objects.</summary>
    /// <param name="outputs">The values to write.</param>
    /// <param name="goal">What for.</param>
    public static IReadOnlyList<Value> Expand(IReadOnlyList<Value> outputs, CompilationGoal goal) =>
        GraphRewriter.Rewrite(outputs, (node, inputs) => Expand(node, inputs, goal));

    private static ImmutableArray<Value> Expand(Node node, ImmutableArray<Value> inputs, CompilationGoal goal)
    {
        var expanded = Form(node, inputs, goal);
        Node.LabelBetween(inputs, expanded, _ => node.Path);
        return expanded;
    }

    private static ImmutableArray<Value> Form(Node node, ImmutableArray<Value> inputs, CompilationGoal goal) => node.OperatorType switch
    {
        _ when node.IsOpaque => inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs,
        Primitive.StopGradient or Primitive.StraightThrough => [inputs[0]],
        Primitive.HardTanh => [Ops.Clip(inputs[0], inputs[1], inputs[2])],
        Primitive.Softplus => [Softplus(inputs[0])],
        Primitive.Silu => [inputs[0] * Ops.Sigmoid(inputs[0])],
        Primitive.Convolution when Geometry(node).CoversImage => [WholeImageConvolution.Expand(inputs[0], inputs[1])],
        Primitive.ConvolutionInputGradient when Geometry(node).CoversImage => [WholeImageConvolution.InputGradient(inputs[0], inputs[1])],
        Primitive.ConvolutionWeightGradient when Geometry(node).CoversImage => [WholeImageConvolution.WeightGradient(inputs[0], inputs[1])],
        Primitive.Convolution => [Ops.Conv(inputs[0], inputs[1], Geometry(node))],
        Primitive.ConvolutionInputGradient => [InputGradient(inputs[0], inputs[1], Geometry(node), goal)],
        Primitive.ConvolutionWeightGradient => [WeightGradient(inputs[0], inputs[1], Geometry(node))],
        Primitive.ScatterAdd => [ScatterAddLowering.Expand(inputs[0], inputs[1], (int)node.Attribute<long>("axis"), node.Attribute<long>("size"))],
        Primitive.Normalize => [NormalizationLowering.Normalize(inputs[0], node.Attribute<long[]>("axes"), node.Attribute<float>("epsilon"))],
        Primitive.ReciprocalDeviation => [NormalizationLowering.ReciprocalDeviation(inputs[0], node.Attribute<long[]>("axes"), node.Attribute<float>("epsilon"))],
        "Cast" when node.Outputs[0].Type == ElementType.Float32 && IsPositive(inputs[0]) => [PositiveMask(inputs[0].Inputs[0])],
        "Add" when BiasOf(inputs) is { } bias => WithBias(inputs[0].Producer!, bias),
        _ => inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs,
    };

    // A number per channel that is added to a convolution is a bias, which the operators add while they write.
    private static Value? BiasOf(ImmutableArray<Value> inputs) =>
        inputs[0].Producer is { OperatorType: "Conv" or "ConvTranspose", Inputs.Length: 2 } ? ChannelScales.VectorOf(inputs[1], inputs[0]) : null;

    private static ImmutableArray<Value> WithBias(Node convolution, Value bias) => new Node(
        convolution.OperatorType, [.. convolution.Inputs, bias], convolution.Attributes, convolution.Outputs.Select(output => (output.Type, output.Shape))).Outputs;

    // 1 where x > 0, else 0; of denormal numbers something between. Comparing and casting takes several times as long.
    private static Value PositiveMask(Value x) => Ops.HardSigmoid(x, float.MaxValue, 0f);

    private static bool IsPositive(Value condition) =>
        condition.Producer is { OperatorType: "Greater" } node && node.Inputs[1] is { Constant: { Type: ElementType.Float32 } bound, Shape.ElementCount: 1 } && bound.As<float>()[0] == 0
        && condition.Shape == node.Inputs[0].Shape;

    // ONNX Runtime's own Softplus takes several times as long.
    private static Value Softplus(Value x) => Ops.Relu(x) + Ops.Log(1f + Ops.Exp(-Ops.Abs(x)));

    // With stride 1 a convolution is the faster form, except of small images and few channels.
    private static Value InputGradient(Value dy, Value weight, ConvolutionGeometry geometry, CompilationGoal goal) =>
        goal == CompilationGoal.Training && geometry.CanFlip && weight.Shape[1] >= FewestChannelsToTurn && geometry.ImageSize.Product() >= FewestPixelsToTurn
            ? InputGradientAsConvolution.Expand(dy, weight, geometry)
            : Ops.ConvTranspose(dy, weight, geometry);

    // Patches cost a copy of every pixel per kernel tap and then run at the speed of a matrix product; with few channels
    // the copies are too short, with groups the product falls apart.
    private static Value WeightGradient(Value x, Value dy, ConvolutionGeometry geometry)
    {
        long channels = x.Shape[1], kernels = dy.Shape[1];
        long patches = geometry.OutputSize.Product() * geometry.KernelSize.Product();
        if (geometry.Groups > 1 || channels < FewestChannelsOfPatches || patches > LargestPatchIndex || x.Shape[0] * channels * patches > LargestPatches)
        {
            return WeightGradientAsConvolution.Expand(x, dy, geometry);
        }

        return geometry.CanFlip && FewerKernels * kernels <= channels
            ? WeightGradientFromPatches.ExpandFromGradient(x, dy, geometry)
            : WeightGradientFromPatches.Expand(x, dy, geometry);
    }

    private static ConvolutionGeometry Geometry(Node node) => node.Attribute<ConvolutionGeometry>("geometry");
}
