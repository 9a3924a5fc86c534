using System.Reflection;
using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;
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
    private const float FiniteDifferenceStep = 2e-3f;

    private static readonly ConvolutionGeometry Geometry = new([7, 6], [3, 2], [2, 1], [1, 0], [1, 2], Groups: 2);
    private static readonly ConvolutionGeometry Covering = new([2, 3], [2, 3], [1, 1], [0, 0], [1, 1]);
    private static readonly Shape ExampleShape = [2, 4, 7, 6], WeightShape = [6, 2, 3, 2], OutputShape = [2, 6, 4, 4];

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
        new("Pow", x => Pow(x[0], 1.7f), x => x[0].pow(1.7), [3, 4]) { Domain = Positive },
        new("Clip", x => Clip(x[0], -0.6f, 0.4f), x => x[0].clamp(-0.6, 0.4), [3, 4]) { Domain = AwayFromZero },
        new("HardTanh", x => HardTanh(x[0], -0.6f, 0.4f), x => functional.hardtanh(1f * x[0], -0.6, 0.4, inplace: true), [3, 4]),
        new("Neg", x => -x[0], x => -x[0], [5]),
        new("Abs", x => Abs(x[0]), x => x[0].abs(), [3, 4]),
        new("Exp", x => Exp(x[0]), x => x[0].exp(), [3, 4]),
        new("Log", x => Log(x[0]), x => x[0].log(), [3, 4]) { Domain = Positive },
        new("Sqrt", x => Sqrt(x[0]), x => x[0].sqrt(), [3, 4]) { Domain = Positive },
        new("Sin", x => Sin(x[0]), x => x[0].sin(), [3, 4]),
        new("Cos", x => Cos(x[0]), x => x[0].cos(), [3, 4]),
        new("Round", x => x[0] + StopGradient(Round(x[0])), x => x[0] + x[0].round(), [3, 4]) { Domain = AwayFromHalves },
        new("Floor", x => x[0] * StopGradient(Floor(x[0])), x => x[0] * x[0].floor(), [3, 4]) { Domain = AwayFromHalves },
        new("Erf", x => Erf(x[0]), x => x[0].erf(), [3, 4]),
        new("Sigmoid", x => Sigmoid(x[0]), x => x[0].sigmoid(), [3, 4]),
        new("Tanh", x => Tanh(x[0]), x => x[0].tanh(), [3, 4]),
        new("Relu", x => Relu(x[0]), x => x[0].relu(), [5, 4]) { Domain = AwayFromZero },
        new("LeakyRelu", x => LeakyRelu(x[0], 0.2f), x => functional.leaky_relu(x[0], 0.2), [5, 4]) { Domain = AwayFromZero },
        new("Elu", x => Elu(x[0], 1.5f), x => functional.elu(x[0], 1.5), [5, 4]) { Domain = AwayFromZero },
        new("HardSigmoid", x => HardSigmoid(x[0], 1 / 6f, 0.5f), x => functional.hardsigmoid(x[0]), [5, 4]),
        new("Square", x => Square(x[0]), x => x[0].square(), [3, 4]),
        new("Softplus", x => Softplus(x[0]), x => functional.softplus(x[0]), [3, 4]),
        new("Gelu", x => Gelu(x[0]), x => functional.gelu(x[0]), [3, 4]),
        new("Gelu", x => Gelu(x[0], byTanh: true), x => 0.5f * x[0] * (1f + ((x[0] + (0.044715f * x[0].pow(3))) * MathF.Sqrt(2 / MathF.PI)).tanh()), [3, 4]),
        new("Silu", x => Silu(x[0]), x => functional.silu(x[0]), [3, 4]),
        new("Where", x => Where(Greater(x[0], 0.1f), x[1], x[2]), x => torch.where(x[0] > 0.1, x[1], x[2]), [3, 4], [3, 4], [4]),
        new("Greater", x => Where(Greater(x[0], x[1]), x[0], 0f), x => torch.where(x[0] > x[1], x[0], torch.zeros(1)), [3, 4], [3, 4]),
        new("GreaterOrEqual", x => Where(GreaterOrEqual(x[0], x[1]), x[0], 0f), x => torch.where(x[0] >= x[1], x[0], torch.zeros(1)), [3, 4], [3, 4]),
        new("Less", x => Where(Less(x[0], x[1]), x[0], 0f), x => torch.where(x[0] < x[1], x[0], torch.zeros(1)), [3, 4], [4]),
        new("LessOrEqual", x => Where(LessOrEqual(x[0], x[1]), x[0], 0f), x => torch.where(x[0] <= x[1], x[0], torch.zeros(1)), [3, 4], [4]),
        new("And", x => Where(And(Less(x[0], 0.5f), Less(-0.5f, x[1])), x[0], x[1]), x => torch.where(x[0].lt(0.5f).logical_and(x[1].gt(-0.5f)), x[0], x[1]), [3, 4], [3, 4]),
        new("Or", x => Where(Or(Less(x[0], 0.1f), Less(0.4f, x[1])), x[0], x[1]), x => torch.where(x[0].lt(0.1f).logical_or(x[1].gt(0.4f)), x[0], x[1]), [3, 4], [3, 4]),
        new("Not", x => Where(Not(Less(x[0], 0.1f)), x[0], x[1]), x => torch.where(x[0].lt(0.1f).logical_not(), x[0], x[1]), [3, 4], [3, 4]),
        new("Where", x => x[0] * Cast(Where(Greater(x[0], 0f), Value.Of<long>([], 3), Value.Indices(1, 2, 4)), ElementType.Float32), x => x[0] * torch.where(x[0] > 0, torch.full(1, 3f), torch.tensor([1f, 2f, 4f])), [2, 3]),
        new("Sub", x => x[0] * Cast(Value.Indices(3, 1, 2) - Value.Indices(2), ElementType.Float32), x => x[0] * torch.tensor([1f, -1f, 0f]), [2, 3]),
        new("IsNaN", x => Where(IsNaN(Value.Of<float>([4], float.NaN, 1, float.PositiveInfinity, float.NaN)), x[0], x[1]), x => torch.where(torch.tensor((bool[])[true, false, false, true]), x[0], x[1]), [3, 4], [3, 4]),
        new("Equal", x => Where(Equal(x[0], 1f * x[0]), x[1], 0f), x => x[1] + (0f * x[0]), [3], [2, 3]),
        new("OneHot", x => x[0] * OneHot(Value.Of<long>([2], [3, 0]), 4), x => x[0] * torch.tensor(new float[,] { { 0, 0, 0, 1 }, { 1, 0, 0, 0 } }), [3, 2, 4]),
        new("OneHot", x => x[0] * OneHot(Value.Of<long>([2, 2], [2, 0, 1, 1]), 3, axis: 1), x => x[0] * functional.one_hot(torch.tensor(new long[,] { { 2, 0 }, { 1, 1 } }), 3).permute(0, 2, 1), [2, 3, 2]),
        new("Mod", x => x[0] * Cast(Mod(Value.Indices(5, -1, 7), Value.Indices(3)), ElementType.Float32), x => x[0] * torch.tensor([2f, 2f, 1f]), [2, 3]),
        new("Cast", x => x[0] * Cast(Greater(x[0], 0f), ElementType.Float32), x => x[0].relu(), [3, 4]),
        new("Cast", x => x[0] * Cast(Cast(Greater(x[0], 0f), ElementType.Int64), ElementType.Float32), x => x[0].relu(), [3, 4]),
        new("Cast", x => x[0] * Cast(Greater(x[0], Value.Of<float>([1, 1, 1], 0f)), ElementType.Float32), x => x[0].relu().unsqueeze(0), [3, 4]),
        new("Greater", x => x[0] * Cast(Greater(Value.Indices(3, 1, 2), Value.Indices(2)), ElementType.Float32), x => x[0] * torch.tensor([1f, 0f, 0f]), [2, 3]),
        new("GreaterOrEqual", x => x[0] * Cast(GreaterOrEqual(Value.Indices(3, 1, 2), Value.Indices(2)), ElementType.Float32), x => x[0] * torch.tensor([1f, 0f, 1f]), [2, 3]),
        new("StopGradient", x => x[0] * StopGradient(x[0]), x => x[0] * x[0].detach(), [3, 4]),
        new("SumOverParts", x => x[0] * SumOverParts(x[0]), x => x[0] * x[0].detach(), [3, 4]),
        new("OfFirstPart", x => x[0] * OfFirstPart(x[0]), x => x[0] * x[0].detach(), [3, 4]),
        new("StraightThrough", x => x[1] * StraightThrough(Round(x[0]), x[0]), x => x[1] * (x[0] + (x[0].round() - x[0]).detach()), [3, 4], [3, 4]) { Domain = AwayFromHalves },
        new("ReduceMean", x => ReduceMean(x[0], [0, 2]), x => x[0].mean([0, 2]), [2, 3, 4]),
        new("ReduceMean", x => ReduceMean(x[0], [1], keepDimensions: true) * x[0], x => x[0].mean([1], keepdim: true) * x[0], [2, 3, 4]),
        new("ReduceMax", x => ReduceMax(x[0], [1]), x => x[0].amax([1]), [2, 3, 4]),
        new("ReduceMax", x => ReduceMax(Concat(1, x[0], x[0]), [0, 1], keepDimensions: true), x => torch.cat([x[0], x[0]], 1).amax([0, 1], true), [2, 3, 4]),
        new("Softmax", x => Softmax(x[0], 1), x => x[0].softmax(1), [2, 3, 4]),
        new("LogSoftmax", x => LogSoftmax(x[0], -1), x => x[0].log_softmax(-1), [2, 3, 4]),
        new("LogSumExp", x => LogSumExp(x[0], 1), x => x[0].logsumexp(1), [2, 3, 4]),
        new("Normalize", x => Normalize(x[0], [-2, -1], 1e-2f), x => functional.layer_norm(x[0], [3, 4], eps: 1e-2), [2, 3, 4]),
        new("Normalize", x => Normalize(x[0], [0, 2], 1e-2f), x => functional.batch_norm(x[0], null!, null!, training: true, eps: 1e-2), [3, 4, 5]),
        new("ReciprocalDeviation", x => ReciprocalDeviation(x[0], [1], 1e-2f), x => (x[0].var([1], unbiased: false, keepdim: true) + 1e-2).rsqrt(), [4, 5]),
        new("ReciprocalDeviation", x => ReciprocalDeviation(x[0], [0], 1e-2f), x => (x[0].var([0], unbiased: false, keepdim: true) + 1e-2).rsqrt(), [4, 5]),
        new("MaxPool", x => MaxPool(x[0], Windows(2, 2, 0)).Maxima, x => functional.max_pool2d(x[0], 2, 2), ExampleShape),
        new("MaxPool", x => MaxPool(x[0], Windows(3, 2, 1)).Maxima, x => functional.max_pool2d(x[0], 3, 2, 1), ExampleShape),
        new("MaxPool", x => MaxPool(Relu(x[0]), Windows(2, 1, 0)).Maxima, x => functional.max_pool2d(x[0].relu(), 2, 1), ExampleShape),
        new("MaxPool", x => MaxPool(x[0], new([60, 50], [20, 30], [1, 2], [0, 3], [1, 1])).Maxima, x => functional.max_pool2d(x[0], [20, 30], [1, 2], [0, 3]), [2, 3, 60, 50]),
        new("AveragePool", x => AveragePool(x[0], Windows(3, 2, 1)), x => functional.avg_pool2d(x[0], 3, 2, 1), ExampleShape),
        new("AveragePool", x => AveragePool(x[0], Windows(1, 1, 0)), x => functional.avg_pool2d(x[0], 1, 1), ExampleShape),
        new("AveragePool", x => AveragePool(x[0], ConvolutionGeometry.Tiles([2, 3, 6, 4], [3, 2])), x => functional.avg_pool2d(x[0], [3L, 2L]), [2, 3, 6, 4]),
        new("ReduceSum", x => ReduceSum(x[0], [0, -1]), x => x[0].sum([0, 2]), [2, 3, 4]),
        new("ReduceSum", x => ReduceSum(x[0], [1], keepDimensions: true) * x[0], x => x[0].sum([1], keepdim: true) * x[0], [2, 3, 4]),
        new("ReduceProd", x => ReduceProd(x[0], [1]), x => x[0].prod(1), [2, 5]),
        new("ReduceProd", x => ReduceProd(x[0] * Value.Of<float>([1, 3, 1], [1, 0, 1]), [0, -2], keepDimensions: true), x => (x[0] * torch.tensor([1f, 0f, 1f]).reshape(1, 3, 1)).prod(1, true).prod(0, true), [2, 3, 4]),
        new("CumSum", x => CumSum(x[0], -1), x => x[0].cumsum(-1), [2, 5]),
        new("CumSum", x => CumSum(x[0], 0, exclusive: true, reverse: true), x => x[0].flip(0).cumsum(0).flip(0) - x[0], [4, 3]),
        new("TopK", x => TopK(x[0], 3, 1).Values, x => x[0].topk(3, 1).values, [2, 6]),
        new("TopK", x => TopK(x[0], 2, 0, largest: false).Values, x => x[0].topk(2, 0, largest: false).values, [5, 2]),
        new("ArgMax", x => Cast(ArgMax(x[0], -1), ElementType.Float32) * ReduceSum(x[0], [2]), x => x[0].argmax(2).to(torch.ScalarType.Float32) * x[0].sum([2]), [2, 3, 4]),
        new("Sum", x => Sum(x[0]) * x[0], x => x[0].sum() * x[0], [2, 3]),
        new("Mean", x => Square(Mean(x[0])), x => x[0].mean().square(), [2, 3]),
        new("SumPerRow", x => SumPerRow(x[0]), x => x[0].sum([1, 2]), [2, 3, 4]),
        new("Reshape", x => Reshape(x[0], [4, 3]), x => x[0].reshape(4, 3), [2, 6]),
        new("PerChannel", x => PerChannel(x[0], x[1]) * x[1], x => x[0].reshape(3, 1) * x[1], [3], [2, 3, 4]),
        new("Transpose", x => Transpose(x[0], 2, 0, 1), x => x[0].permute(2, 0, 1), [2, 3, 4]),
        new("Concat", x => Concat(1, x[0], x[1]), x => torch.cat([x[0], x[1]], 1), [2, 3], [2, 2]),
        new("Slice", x => Slice(x[0], -1, 1, 3), x => x[0].narrow(-1, 1, 2), [2, 5]),
        new("Slice", x => Slice(x[0], 1, 1, 8, step: 3), x => x[0].slice(1, 1, 8, 3), [2, 9]),
        new("Slice", x => Slice(x[0], 1, 0, 9, step: 2), x => x[0].slice(1, 0, 9, 2), [2, 9]),
        new("Split", x => Split(x[0], 1, 3)[1] * Split(x[0], 1, 3)[2], x => x[0].narrow(1, 2, 2) * x[0].narrow(1, 4, 2), [3, 6]),
        new("Split2", x => Split2(x[0], 1).First * Split2(x[0], 1).Second, x => x[0].narrow(1, 0, 2) * x[0].narrow(1, 2, 2), [3, 4]),
        new("Pad", x => Pad(x[0], 1, 2, 1), x => functional.pad(x[0], [2, 1]), [2, 3]),
        new("Pad", x => Pad(x[0], [1, 0], [0, 2], 0.5f), x => functional.pad(x[0], [0, 2, 1, 0], value: 0.5), [2, 3]),
        new("Flip", x => Flip(x[0], 0, -1), x => x[0].flip(0, 2), [2, 3, 4]),
        new("Roll", x => Roll(x[0], 1, 2), x => x[0].roll(2, 1), [2, 5]),
        new("Roll", x => Roll(x[0], -1, -7), x => x[0].roll(-7, 1), [2, 5]),
        new("Tile", x => Tile(x[0], 2, 1, 3), x => x[0].repeat(2, 1, 3), [2, 3, 2]),
        new("GatherElements", x => GatherElements(x[0], 1, Value.Of<long>([2, 3], [3, 0, 0, 1, 2, 1])), x => x[0].gather(1, torch.tensor(new long[,] { { 3, 0, 0 }, { 1, 2, 1 } })), [2, 4]),
        new("GatherElements", x => GatherElements(x[0], 0, Runtime([2, 3], 3, 0, 0, 1, 2, 1)), x => x[0].gather(0, torch.tensor(new long[,] { { 3, 0, 0 }, { 1, 2, 1 } })), [4, 3]),
        new("Gather", x => Gather(x[0], 1, 2, 0, 2, 1), x => x[0].index_select(1, torch.tensor(new long[] { 2, 0, 2, 1 })), [2, 3, 4]),
        new("Gather", x => Gather(x[0], 0, [.. Enumerable.Repeat(1L, 40)]), x => x[0].index_select(0, torch.ones(40, torch.ScalarType.Int64)), [9, 2]),
        new("Gather", x => Gather(x[0], 0, [.. Enumerable.Repeat(7L, 3000)]), x => x[0].index_select(0, torch.full(3000, 7, torch.ScalarType.Int64)), [200_000, 1]),
        new("Gather", x => Gather(x[0], 1, Runtime([2, 2], 1, 0, 1, 1)), x => x[0].index_select(1, torch.tensor(new long[] { 1, 0, 1, 1 })).reshape(2, 2, 2, 4), [2, 3, 4]),
        new("Gather", x => Gather(x[0], 0, Runtime([3], 4999, 7, 7)), x => x[0].index_select(0, torch.tensor(new long[] { 4999, 7, 7 })), [5000, 2]),
        new("ScatterAdd", x => ScatterAdd(x[0], 0, Value.Indices(2, 0, 2), 4), x => torch.zeros(4, 2).index_add(0, torch.tensor(new long[] { 2, 0, 2 }), x[0], 1), [3, 2]),
        new("Resize", x => Resize(x[0], Along(InterpolationMethod.Nearest, PixelGrid.Corner, 3, 6), Along(InterpolationMethod.Nearest, PixelGrid.Corner, 4, 12)),
            x => functional.interpolate(x[0], [6, 12]), [2, 2, 3, 4]),
        new("Resize", x => Resize(x[0], Along(InterpolationMethod.Linear, PixelGrid.HalfPixel, 5, 3)),
            x => functional.interpolate(x[0], [3], mode: torch.InterpolationMode.Linear), [2, 2, 5]),
        new("Resize", x => Resize(x[0], Along(InterpolationMethod.Linear, PixelGrid.HalfPixel, 4000, 2000)),
            x => functional.interpolate(x[0], [2000], mode: torch.InterpolationMode.Linear), [1, 1, 4000]),
        new("MatMul", x => MatMul(x[0], x[1]), x => x[0].matmul(x[1]), [2, 3], [3, 4]),
        new("MatMul", x => MatMul(x[0], x[1]), x => x[0].matmul(x[1]), [5, 2, 3], [3, 4]),
        new("MatMul", x => MatMul(x[0], x[1]), x => x[0].matmul(x[1]), [2, 1, 2, 3], [5, 3, 4]),
        new("MatMul", x => MatMul(x[0], x[1]), x => x[0].matmul(x[1]), [2, 3], [5, 3, 4]),
        new("MatMulAlong", x => MatMulAlong(x[0], x[1], 1), x => torch.einsum("ij,ajbc->aibc", x[0], x[1]), [2, 3], [4, 3, 2, 2]),
        new("MatMulAlong", x => MatMulAlong(x[0], x[1], -1), x => torch.einsum("ij,abj->abi", x[0], x[1]), [2, 3], [4, 2, 3]),
        new("Einsum", x => Einsum("nhqd,nkhd->nqhk", x[0], x[1]), x => torch.einsum("nhqd,nkhd->nqhk", x[0], x[1]), [2, 3, 4, 5], [2, 6, 3, 5]),
        new("Einsum", x => Einsum("ij,k->ki", x[0], x[1]), x => torch.einsum("ij,k->ki", x[0], x[1]), [2, 3], [4]),
        new("BroadcastTo", x => BroadcastTo(x[0], [2, 3, 4]), x => x[0].expand(2, 3, 4), [3, 1]),
        new("ConstantOfShape", x => x[0] * ConstantOfShape([3, 4], 2f), x => x[0] * torch.full([3, 4], 2f), [4]),
        new("Gemm", x => Gemm(x[0], x[1], x[2]), x => x[0].mm(x[1]) + x[2], [2, 3], [3, 4], [4]),
        new("Gemm", x => Gemm(x[0], x[1], transA: true), x => x[0].t().mm(x[1]), [3, 2], [3, 4]),
        new("Gemm", x => Gemm(x[0], x[1], transB: true), x => x[0].mm(x[1].t()), [2, 3], [4, 3]),
        new("Gemm", x => Gemm(x[0], x[1], x[2], transA: true, transB: true), x => x[0].t().mm(x[1].t()) + x[2], [3, 2], [4, 3], [2, 1]),
        new("Convolution", x => Convolution(x[0], x[1], Geometry), x => TorchConvolution(x[0], x[1]), ExampleShape, WeightShape),
        new("Convolution", x => Convolution(x[0], x[1], Geometry) + Reshape(x[2], [6, 1, 1]), x => TorchConvolution(x[0], x[1]) + x[2].reshape(6, 1, 1), ExampleShape, WeightShape, [6]),
        new("Convolution", x => Convolution(x[0], x[1], Geometry) + Reshape(x[2], [6, 4, 4]), x => TorchConvolution(x[0], x[1]) + x[2].reshape(6, 4, 4), ExampleShape, WeightShape, [96]),
        new("ConvolutionInputGradient", x => ConvolutionInputGradient(x[0], x[1], Geometry),
            x => functional.conv_transpose2d(x[0], x[1], strides: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2), OutputShape, WeightShape),
        new("Convolution", x => Convolution(x[0], x[1], Covering) + Reshape(x[2], [5, 1, 1]), x => functional.conv2d(x[0], x[1], x[2]), [3, 4, 2, 3], [5, 4, 2, 3], [5]),
        new("ConvolutionInputGradient", x => ConvolutionInputGradient(x[0], x[1], Covering), x => functional.conv_transpose2d(x[0], x[1]), [3, 5, 1, 1], [5, 4, 2, 3]),
        new("ConvolutionWeightGradient", x => ConvolutionWeightGradient(x[0], x[1], Covering), x => torch.einsum("nchw,nkij->kchw", x[0], x[1]), [3, 4, 2, 3], [3, 5, 1, 1]),
        new("ConvolutionWeightGradient", x => ConvolutionWeightGradient(x[0], x[1], Geometry), x => TorchWeightGradient(x[0], x[1]), ExampleShape, OutputShape),
    ];

    // Where gradients differ from the derivative by design.
    private static IEnumerable<OperatorRow> DifferentiableRows => Rows.Where(row => row.Name is not (nameof(StopGradient) or nameof(SumOverParts) or nameof(OfFirstPart) or nameof(StraightThrough) or nameof(Round) or nameof(Floor)));

    // Rules of which the gradients are to be right as well.
    private static IEnumerable<OperatorRow> SmoothRows => DifferentiableRows.Where(row => row.Name is
        "Mul" or "Div" or "Exp" or "Log" or "Sqrt" or "Pow" or "Sigmoid" or "Tanh" or "Erf" or "Softplus" or "ReduceMean" or "ReduceMax" or "Softmax" or "LogSoftmax" or
        "LogSumExp" or "ReduceProd" or "CumSum" or "TopK" or "GatherElements" or "Gelu" or "Normalize" or "ReciprocalDeviation" or "MaxPool" or "AveragePool" or "Gather" or "ScatterAdd" or "Slice" or "Resize" or "MatMul" or "Gemm" or
        "Einsum" or "Convolution" or "ConvolutionInputGradient" or "ConvolutionWeightGradient");

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
            (input.Input, (Array)((float[])input.Data).Zip(direction[i], (x, d) => x + (step * d)).ToArray()))])[0][0];
    }

    [Test]
    public void Rows_CoverEveryOperator()
    {
        var functions = typeof(Ops).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Distinct();

        Assert.That(functions, Is.SubsetOf(Rows.Select(row => row.Name)));
    }

    [Test]
    public void OperatorsOfOpsAndLayers_HaveRuleOrReason()
    {
        var emitted = Rows.SelectMany(row => OperatorsBehind(row.Onnx(Inputs(row).Onnx)))
            .Concat(LayerRows.All.SelectMany(row => OperatorsBehind(Lowered(row)))).Distinct();

        Assert.That(emitted, Is.SubsetOf(GradientRules.OperatorTypes.Concat(GradientRules.NotDifferentiable.Keys)));
    }

    // Tables of an entry per place and tap, or per place and entry, would take gigabytes.
    [Test]
    public void FormsThatGrowWithAProductOfSizes_GiveWayToOthers()
    {
        var (image, gradient) = (Value.Input("x", ElementType.Float32, [8, 16, 1024, 1024]), Value.Input("dy", ElementType.Float32, [8, 16, 1024, 1024]));
        var convolution = new ConvolutionGeometry([1024, 1024], [5, 5], [1, 1], [2, 2], [1, 1]);
        var (rows, places) = (Value.Input("rows", ElementType.Float32, [100_000, 2]), Value.Input("places", ElementType.Int64, [100_000]));

        var patches = GraphCompiler.Build("patches", [image, gradient], [("dw", ConvolutionWeightGradient(image, gradient, convolution))], CompilationTarget.Training with { IsPrecise = true });
        var oneHot = GraphCompiler.Build("oneHot", [rows, places], [("sums", ScatterAdd(rows, 0, places, 4000))]);

        Assert.That(patches.OperatorCounts.Keys, Has.Member("Conv").And.No.Member("Gather"));
        Assert.That(oneHot.OperatorCounts.Keys, Has.Member("ScatterElements").And.No.Member("Equal"));
        Assert.That(patches.ToBytes().Length + oneHot.ToBytes().Length, Is.LessThan(1 << 16));
    }

    // A class token before the patches of every image.
    [Test]
    public void BroadcastTo_OfAnOpenBatch_RepeatsAsOftenAsThereAreRows()
    {
        var (x, token) = (Value.Input("x", ElementType.Float32, [Shape.Batch, 2, 3]), Value.Of<float>([1, 1, 3], 7, 8, 9));

        float[] actual = GraphRunner.Run([Concat(1, BroadcastTo(token, [Shape.Batch, 1, 3], like: x), x)], (x, Numbers.StandardNormal(24, 1)))[0];

        Assert.That(actual.Chunk(9).Select(row => row[..3]), Has.Exactly(4).EqualTo((float[])[7, 8, 9]));
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
    public void HessianVectorProduct_EqualsAutograd()
    {
        var (x, w, v) = (Value.Input("x", ElementType.Float32, [4, 3]), Value.Input("w", ElementType.Float32, [3, 2]), Value.Input("v", ElementType.Float32, [3, 2]));
        float[][] data = [Numbers.StandardNormal(12, 1), Numbers.StandardNormal(6, 2), Numbers.StandardNormal(6, 3)];
        var gradient = Backward.Gradients(Sum(LogSoftmax(Tanh(Gemm(x, w)), 1)), [w])[0];

        float[] actual = GraphRunner.Run([Backward.Gradients(Sum(gradient * v), [w])[0]], (x, data[0]), (w, data[1]), (v, data[2]))[0];

        using var t = data[1].ToTorch([3, 2]).requires_grad_();
        using var expected = torch.autograd.grad(
            [(torch.autograd.grad([data[0].ToTorch([4, 3]).mm(t).tanh().log_softmax(1).sum()], [t], retain_graph: true, create_graph: true)[0] * data[2].ToTorch([3, 2])).sum()],
            [t])[0];
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(GradientTolerance));
    }

    [TestCaseSource(nameof(SmoothRows))]
    public void SecondGradient_EqualsAutograd(OperatorRow row)
    {
        var (onnxInputs, torchInputs, data) = Inputs(row);
        var (loss, weights) = WeightedSum(Tanh(row.Onnx(onnxInputs)));
        var first = Backward.Gradients(loss, onnxInputs);
        float[][] actual = GraphRunner.Run(Backward.Gradients(first.Select(gradient => Sum(Square(gradient))).Aggregate(Add), onnxInputs), data);

        using var torchLoss = (row.Torch(torchInputs).tanh() * weights).sum();
        var torchFirst = torch.autograd.grad([torchLoss], torchInputs, retain_graph: true, create_graph: true);
        torchFirst.Select(gradient => gradient.square().sum()).Aggregate((sum, term) => sum + term).backward();
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.That(Numbers.RelativeError(actual[i], torchInputs[i].grad!.ToArray()), Is.LessThan(GradientTolerance), $"operand {i}");
        }
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
        Throws.ArgumentException.With.Message.EqualTo("The loss must be a scalar, but 'x Float32 [2]' has several elements: sum or average it."));

    [Test]
    public void Add_OfUnequalShapes_ThrowsAtTheCall() => Assert.That(
        () => Value.Input("a", ElementType.Float32, [2, 3]) + Value.Input("b", ElementType.Float32, [2, 4]),
        Throws.ArgumentException.With.Message.EqualTo("Shapes [2, 3] and [2, 4] do not broadcast: 3 against 4."));

    [Test]
    public void Mean_OverSymbolicBatch_Throws() => Assert.That(
        () => Mean(Value.Input("x", ElementType.Float32, [Shape.Batch, 4])),
        Throws.ArgumentException.With.Message.EqualTo("Mean: 'x Float32 [N, 4]' has a symbolic batch, whose size is not known; every dimension must be."));

    [Test]
    public void ShapesOfSymbolicBatches_AreNotComputedWith()
    {
        var x = Value.Input("x", ElementType.Float32, [Shape.Batch, 3]);

        Assert.Multiple(() =>
        {
            Assert.That(() => Concat(0, x, x), Throws.ArgumentException.With.Message.EqualTo("Concat: axis 0 of 'x Float32 [N, 3]' is the symbolic batch; give its size to join along it."));
            Assert.That(() => Pad(x, 0, 1, 1), Throws.ArgumentException.With.Message.EqualTo("Pad: axis 0 of 'x Float32 [N, 3]' is the symbolic batch; give its size to pad it."));
            Assert.That(() => ConstantOfShape(x.Shape, 1f), Throws.ArgumentException.With.Message.EqualTo("ConstantOfShape: [N, 3] has a symbolic batch, whose size is not known."));
            Assert.That(() => Gather(x, 1, 3), Throws.ArgumentException.With.Message.EqualTo("Gather: index 3 is outside axis 1 of 'x Float32 [N, 3]'."));
        });
    }

    [Test]
    public void Build_WithEqualNames_Throws()
    {
        var (first, second) = (Value.Input("x", ElementType.Float32, [2]), Value.Input("x", ElementType.Float32, [2]));

        Assert.That(
            () => GraphCompiler.Build("g", [first, second], [("y", first + second)]),
            Throws.ArgumentException.With.Message.EqualTo("Graph 'g' has two inputs or outputs named 'x'."));
    }

    private static float AwayFromZero(float x) => x + (0.2f * Math.Sign(x));

    private static float AwayFromHalves(float x) => MathF.Round(2 * x) / 2 + 0.25f;

    private static float Positive(float x) => Math.Abs(x) + 0.5f;

    private static ConvolutionGeometry Windows(long kernel, long stride, long padding) =>
        new([7, 6], [kernel, kernel], [stride, stride], [padding, padding], [1, 1]);

    private static Interpolation Along(InterpolationMethod method, PixelGrid grid, long input, long output) => new(method, grid, input, output);

    // Indices that are known at run time only.
    private static Value Runtime(Shape shape, params ReadOnlySpan<long> indices) => Reshape(Mod(Value.Indices(indices), Value.Indices(1L << 40)), shape);

    private static torch.Tensor TorchConvolution(torch.Tensor x, torch.Tensor weight) =>
        functional.conv2d(x, weight, strides: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2);

    private static torch.Tensor TorchWeightGradient(torch.Tensor x, torch.Tensor dy)
    {
        var weight = torch.zeros(WeightShape.ToArray(), requires_grad: true);
        return torch.autograd.grad([TorchConvolution(x, weight)], [weight], [dy], create_graph: true)[0];
    }

    private static (Value[] Onnx, torch.Tensor[] Torch, (Value Input, Array Data)[] Data) Inputs(OperatorRow row)
    {
        Value[] onnx = [.. row.Operands.Select((shape, i) => Value.Input($"x{i}", ElementType.Float32, shape))];
        float[][] data = [.. row.Operands.Select((shape, i) => Numbers.StandardNormal(shape.ElementCount, (ulong)(7 + i)).Select(row.Domain).ToArray())];
        torch.Tensor[] tensors = [.. row.Operands.Zip(data, (shape, values) => values.ToTorch(shape).requires_grad_())];
        return (onnx, tensors, [.. onnx.Zip(data, (input, values) => (input, (Array)values))]);
    }

    // A loss in which every entry of y counts differently.
    private static (Value Loss, torch.Tensor Weights) WeightedSum(Value y)
    {
        float[] weights = Numbers.StandardNormal(y.Shape.ElementCount, 99);
        return (Sum(y * Value.Of<float>(y.Shape, weights)), weights.ToTorch(y.Shape));
    }

    private static Value Lowered(LayerRow row)
    {
        using var layer = row.Make();
        return new ModuleLowering(layer).ForTraining().Lower(layer, [.. row.ModelInputs.Select(input => Value.Input(input.Name, input.Type, input.Shape))]);
    }

    private static IEnumerable<string> OperatorsBehind(Value y) => GraphOrder.Of([y]).Select(value => value.Producer?.OperatorType).OfType<string>();
}
