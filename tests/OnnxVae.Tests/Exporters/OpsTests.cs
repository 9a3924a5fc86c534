using System.Reflection;
using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Tests.Support;
using TorchSharp;
using static OnnxVae.Exporters.Onnx.Ops;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Exporters;

/// <summary>One operator: what it is called, how both libraries write it, and on what it is tried.</summary>
public sealed record OperatorRow(
    string Name, Func<Value[], Value> Onnx, Func<torch.Tensor[], torch.Tensor> Torch, params Shape[] Operands)
{
    public Func<float, float> Domain { get; init; } = x => x;

    public override string ToString() => $"{Name} {string.Join(" ", Operands)}";
}

internal sealed class OpsTests
{
    private const double ForwardTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;
    private const double FiniteDifferenceTolerance = 1e-2;
    private const float FiniteDifferenceStep = 1e-2f;

    private static readonly ConvolutionGeometry Geometry = new([7, 6], [3, 2], [2, 1], [1, 0], [1, 2], Groups: 2);
    private static readonly Shape ImageShape = [2, 4, 7, 6], WeightShape = [6, 2, 3, 2], OutputShape = [2, 6, 4, 4];

    private static OperatorRow[] Rows =>
    [
        new("Add", x => x[0] + x[1], x => x[0] + x[1], [3, 4], [3, 4]),
        new("Add", x => x[0] + x[1], x => x[0] + x[1], [2, 3, 4], [3, 1]),
        new("Add", x => x[0] + x[1], x => x[0] + x[1], [4], [2, 1, 4]),
        new("Sub", x => x[0] - x[1], x => x[0] - x[1], [3, 4], [1, 4]),
        new("Mul", x => x[0] * x[1], x => x[0] * x[1], [3, 1], [4]),
        new("Div", x => x[0] / x[1], x => x[0] / x[1], [3, 4], []) { Domain = Positive },
        new("Max", x => Max(x[0], x[1]), x => torch.maximum(x[0], x[1]), [3, 4], [3, 4]),
        new("Min", x => Min(x[0], x[1]), x => torch.minimum(x[0], x[1]), [3, 4], [4]),
        new("Max", x => Max(x[0], 1f * x[0]), x => torch.maximum(x[0], 1f * x[0]), [5]),
        new("Neg", x => -x[0], x => -x[0], [5]),
        new("Abs", x => Abs(x[0]), x => x[0].abs(), [3, 4]),
        new("Exp", x => Exp(x[0]), x => x[0].exp(), [3, 4]),
        new("Log", x => Log(x[0]), x => x[0].log(), [3, 4]) { Domain = Positive },
        new("Sqrt", x => Sqrt(x[0]), x => x[0].sqrt(), [3, 4]) { Domain = Positive },
        new("Erf", x => Erf(x[0]), x => x[0].erf(), [3, 4]),
        new("Sigmoid", x => Sigmoid(x[0]), x => x[0].sigmoid(), [3, 4]),
        new("Tanh", x => Tanh(x[0]), x => x[0].tanh(), [3, 4]),
        new("Relu", x => Relu(x[0]), x => x[0].relu(), [5, 4]) { Domain = AwayFromZero },
        new("LeakyRelu", x => LeakyRelu(x[0], 0.2f), x => functional.leaky_relu(x[0], 0.2), [5, 4]) { Domain = AwayFromZero },
        new("Elu", x => Elu(x[0], 1.5f), x => functional.elu(x[0], 1.5), [5, 4]) { Domain = AwayFromZero },
        new("Square", x => Square(x[0]), x => x[0].square(), [3, 4]),
        new("Softplus", x => Softplus(x[0]), x => functional.softplus(x[0]), [3, 4]),
        new("Where", x => Where(Greater(x[0], 0.1f), x[1], x[2]), x => torch.where(x[0] > 0.1, x[1], x[2]), [3, 4], [3, 4], [4]),
        new("Greater", x => Where(Greater(x[0], x[1]), x[0], 0f), x => torch.where(x[0] > x[1], x[0], torch.zeros(1)), [3, 4], [3, 4]),
        new("Cast", x => x[0] * Cast(Greater(x[0], 0f), ElementType.Float32), x => x[0].relu(), [3, 4]),
        new("StopGradient", x => x[0] * StopGradient(x[0]), x => x[0] * x[0].detach(), [3, 4]),
        new("ReduceSum", x => ReduceSum(x[0], [0, -1]), x => x[0].sum([0, 2]), [2, 3, 4]),
        new("ReduceSum", x => ReduceSum(x[0], [1], keepDimensions: true) * x[0], x => x[0].sum([1], keepdim: true) * x[0], [2, 3, 4]),
        new("Sum", x => Sum(x[0]) * x[0], x => x[0].sum() * x[0], [2, 3]),
        new("Mean", x => Square(Mean(x[0])), x => x[0].mean().square(), [2, 3]),
        new("SumPerRow", x => SumPerRow(x[0]), x => x[0].sum([1, 2]), [2, 3, 4]),
        new("Reshape", x => Reshape(x[0], [4, 3]), x => x[0].reshape(4, 3), [2, 6]),
        new("Transpose", x => Transpose(x[0], 2, 0, 1), x => x[0].permute(2, 0, 1), [2, 3, 4]),
        new("Concat", x => Concat(1, x[0], x[1]), x => torch.cat([x[0], x[1]], 1), [2, 3], [2, 2]),
        new("Slice", x => Slice(x[0], -1, 1, 3), x => x[0].narrow(-1, 1, 2), [2, 5]),
        new("Split2", x => Split2(x[0], 1).First * Split2(x[0], 1).Second, x => x[0].narrow(1, 0, 2) * x[0].narrow(1, 2, 2), [3, 4]),
        new("Pad", x => Pad(x[0], 1, 2, 1), x => functional.pad(x[0], [2, 1]), [2, 3]),
        new("BroadcastTo", x => BroadcastTo(x[0], [2, 3, 4]), x => x[0].expand(2, 3, 4), [3, 1]),
        new("ConstantOfShape", x => x[0] * ConstantOfShape([3, 4], 2f), x => x[0] * torch.full([3, 4], 2f), [4]),
        new("Gemm", x => Gemm(x[0], x[1], x[2]), x => x[0].mm(x[1]) + x[2], [2, 3], [3, 4], [4]),
        new("Gemm", x => Gemm(x[0], x[1], transA: true), x => x[0].t().mm(x[1]), [3, 2], [3, 4]),
        new("Gemm", x => Gemm(x[0], x[1], transB: true), x => x[0].mm(x[1].t()), [2, 3], [4, 3]),
        new("Gemm", x => Gemm(x[0], x[1], x[2], transA: true, transB: true), x => x[0].t().mm(x[1].t()) + x[2], [3, 2], [4, 3], [2, 1]),
        new("Convolution", x => Convolution(x[0], x[1], Geometry), x => TorchConvolution(x[0], x[1]), ImageShape, WeightShape),
        new("ConvolutionInput", x => ConvolutionInput(x[0], x[1], Geometry),
            x => functional.conv_transpose2d(x[0], x[1], strides: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2), OutputShape, WeightShape),
        new("ConvolutionWeight", x => ConvolutionWeight(x[0], x[1], Geometry), x => TorchWeightGradient(x[0], x[1]), ImageShape, OutputShape),
    ];

    // The gradient through StopGradient differs from the derivative by design.
    private static IEnumerable<OperatorRow> DifferentiableRows => Rows.Where(row => row.Name != nameof(StopGradient));

    [TestCaseSource(nameof(Rows))]
    public void Operator_OnRandomInput_EqualsTorch(OperatorRow row)
    {
        var (onnxInputs, torchInputs, data) = Inputs(row);

        float[] actual = GraphRunner.Run([row.Onnx(onnxInputs)], data)[0];

        using var expected = row.Torch(torchInputs);
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [TestCaseSource(nameof(Rows))]
    public void Gradient_OfWeightedSum_EqualsAutograd(OperatorRow row)
    {
        var (onnxInputs, torchInputs, data) = Inputs(row);
        var (loss, weights) = WeightedSum(row.Onnx(onnxInputs));
        using var torchLoss = (row.Torch(torchInputs) * weights).sum();
        torchLoss.backward();

        float[][] actual = GraphRunner.Run(Backward.Gradients(loss, onnxInputs), data);

        for (int i = 0; i < actual.Length; i++)
        {
            float[] expected = torchInputs[i].grad is { } gradient ? gradient.ToArray() : new float[actual[i].Length];
            Assert.That(Numbers.RelativeError(actual[i], expected), Is.LessThan(GradientTolerance), $"operand {i}");
        }
    }

    [TestCaseSource(nameof(DifferentiableRows))]
    public void Gradient_AlongRandomDirection_EqualsFiniteDifference(OperatorRow row)
    {
        var (onnxInputs, _, data) = Inputs(row);
        var (loss, _) = WeightedSum(row.Onnx(onnxInputs));
        float[][] direction = [.. data.Select((input, i) => Numbers.StandardNormal(input.Data.Length, (ulong)(100 + i)))];

        double slope = GraphRunner.Run(Backward.Gradients(loss, onnxInputs), data)
            .Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        double difference = (LossAt(FiniteDifferenceStep) - LossAt(-FiniteDifferenceStep)) / (2 * FiniteDifferenceStep);

        Assert.That(difference, Is.EqualTo(slope).Within(FiniteDifferenceTolerance * Math.Max(1, Math.Abs(slope))));

        double LossAt(float step) => GraphRunner.Run([loss], [.. data.Select((input, i) =>
            (input.Input, input.Data.Zip(direction[i], (x, d) => x + (step * d)).ToArray()))])[0][0];
    }

    [Test]
    public void Rows_CoverEveryOperator()
    {
        var functions = typeof(Ops).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Distinct().Except([nameof(Gather)]); // only expansion gathers; see the convolution tests

        Assert.That(functions, Is.SubsetOf(Rows.Select(row => row.Name)));
    }

    [Test]
    public void OperatorsOfAllRows_HaveRuleOrReason()
    {
        var emitted = Rows.SelectMany(row => OperatorsBehind(row.Onnx(Inputs(row).Onnx))).Distinct();

        Assert.That(emitted, Is.SubsetOf(GradientRules.OperatorTypes.Concat(GradientRules.NotDifferentiable.Keys)));
    }

    [Test]
    public void Gradients_OfGradients_EqualAutograd()
    {
        var x = Value.Input("x", ElementType.Float32, [2, 3]);
        float[] data = Numbers.StandardNormal(6, 1);
        var first = Backward.Gradients(Sum(Exp(x) * Sigmoid(x)), [x])[0];

        float[] actual = GraphRunner.Run([Backward.Gradients(Sum(Square(first)), [x])[0]], (x, data))[0];

        using var t = data.ToTorch([2, 3]).requires_grad_();
        using var gradient = torch.autograd.grad([(t.exp() * t.sigmoid()).sum()], [t], retain_graph: true, create_graph: true)[0];
        gradient.square().sum().backward();
        Assert.That(Numbers.RelativeError(actual, t.grad!.ToArray()), Is.LessThan(GradientTolerance));
    }

    [Test]
    public void Gradients_OfUnusedTarget_AreZero()
    {
        var (x, unused) = (Value.Input("x", ElementType.Float32, [2]), Value.Input("unused", ElementType.Float32, [3]));

        float[] actual = GraphRunner.Run([Backward.Gradients(Sum(x), [unused])[0]])[0];

        Assert.That(actual, Is.EqualTo((float[])[0, 0, 0]));
    }

    [Test]
    public void Gradients_OfVector_Throw() => Assert.That(
        () => Backward.Gradients(Value.Input("x", ElementType.Float32, [2]), []),
        Throws.ArgumentException.With.Message.EqualTo("Gradients are those of a scalar loss, but 'x Float32 [2]' has several elements: sum or average it."));

    [Test]
    public void Add_OfUnequalShapes_ThrowsAtTheCall() => Assert.That(
        () => Value.Input("a", ElementType.Float32, [2, 3]) + Value.Input("b", ElementType.Float32, [2, 4]),
        Throws.ArgumentException.With.Message.EqualTo("Shapes [2, 3] and [2, 4] do not broadcast: 3 against 4."));

    [Test]
    public void Mean_OverSymbolicBatch_Throws() => Assert.That(
        () => Mean(Value.Input("x", ElementType.Float32, [Shape.Batch, 4])),
        Throws.ArgumentException.With.Message.EqualTo("Mean: 'x Float32 [N, 4]' has a symbolic batch, whose size is not known; every dimension must be."));

    [Test]
    public void Build_WithEqualNames_Throws()
    {
        var (first, second) = (Value.Input("x", ElementType.Float32, [2]), Value.Input("x", ElementType.Float32, [2]));

        Assert.That(
            () => OnnxModelWriter.Build("g", [first, second], [("y", first + second)]),
            Throws.ArgumentException.With.Message.EqualTo("Graph 'g' has two inputs or outputs named 'x'."));
    }

    private static float AwayFromZero(float x) => x + (0.2f * Math.Sign(x));

    private static float Positive(float x) => Math.Abs(x) + 0.5f;

    private static torch.Tensor TorchConvolution(torch.Tensor x, torch.Tensor weight) =>
        functional.conv2d(x, weight, strides: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2);

    private static torch.Tensor TorchWeightGradient(torch.Tensor x, torch.Tensor dy)
    {
        var weight = torch.zeros(WeightShape.ToArray(), requires_grad: true);
        return torch.autograd.grad([TorchConvolution(x, weight)], [weight], [dy], create_graph: true)[0];
    }

    private static (Value[] Onnx, torch.Tensor[] Torch, (Value Input, float[] Data)[] Data) Inputs(OperatorRow row)
    {
        Value[] onnx = [.. row.Operands.Select((shape, i) => Value.Input($"x{i}", ElementType.Float32, shape))];
        float[][] data = [.. row.Operands.Select((shape, i) => Numbers.StandardNormal(shape.ElementCount, (ulong)(7 + i)).Select(row.Domain).ToArray())];
        torch.Tensor[] tensors = [.. row.Operands.Zip(data, (shape, values) => values.ToTorch(shape).requires_grad_())];
        return (onnx, tensors, [.. onnx.Zip(data)]);
    }

    // A loss in which every entry of y counts differently.
    private static (Value Loss, torch.Tensor Weights) WeightedSum(Value y)
    {
        float[] weights = Numbers.StandardNormal(y.Shape.ElementCount, 99);
        return (Sum(y * Value.Of<float>(y.Shape, weights)), weights.ToTorch(y.Shape));
    }

    private static IEnumerable<string> OperatorsBehind(Value y) =>
        y.Inputs.SelectMany(OperatorsBehind).Concat(y.Producer is { } node ? [node.OperatorType] : []);
}
