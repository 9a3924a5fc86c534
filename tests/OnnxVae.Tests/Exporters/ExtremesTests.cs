using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Exporters;

/// <summary>A function of one vector, as both libraries write it.</summary>
public sealed record ExtremeRow(string Name, Func<Value, Value> Onnx, Func<torch.Tensor, torch.Tensor> Torch, params float[] Points)
{
    /// <summary>What the gradient is where libtorch's is not a number, although the function has a derivative or a limit there.</summary>
    public float? WhereTorchHasNone { get; init; }

    public override string ToString() => Name;
}

/// <summary>A loss, on predictions and targets.</summary>
public sealed record LossRow(string Name, Func<torch.nn.Module<torch.Tensor, torch.Tensor, torch.Tensor>> Build, float[] Prediction, float[] Target)
{
    /// <summary>Classes of a prediction, where targets are numbers of classes; 0 where they are numbers.</summary>
    public int Classes { get; init; }

    /// <summary>What predictions go through first.</summary>
    public (Func<Value, Value> Onnx, Func<torch.Tensor, torch.Tensor> Torch) Before { get; init; } = (x => x, x => x);

    public override string ToString() => Name;
}

/// <summary>Values and gradients next to libtorch's where floating-point numbers end: zeros, saturation, infinities, denormals, 1e7 and beyond.</summary>
internal sealed class ExtremesTests
{
    private const double Tolerance = 1e-5;
    private const double Absolute = 2e-7;
    private const float Infinity = float.PositiveInfinity;
    private const float Smallest = 1.1754944e-38f;

    private static readonly float[] Everywhere =
    [
        -Infinity, -float.MaxValue, -3e7f, -1e7f, -200, -100, -88, -20, -1, -1e-20f, -Smallest, -0f, 0, Smallest, 1e-20f, 1, 20, 88, 100, 200, 1e7f, 3e7f, float.MaxValue, Infinity,
    ];

    private static readonly float[] Finite = [.. Everywhere.Where(float.IsFinite)];
    private static readonly float[] Positive = [.. Finite.Where(x => x > 0)];

    private static ExtremeRow[] Rows =>
    [
        new("Sigmoid", Sigmoid, x => x.sigmoid(), Everywhere),
        new("Tanh", Tanh, x => x.tanh(), Everywhere),
        new("Softplus", Softplus, x => functional.softplus(x), Finite),
        new("Silu", Silu, x => functional.silu(x), Finite),
        new("Gelu", x => Gelu(x), x => functional.gelu(x), Finite),
        new("CumSum", x => CumSum(x, 0), x => x.cumsum(0), [-0f, 0, Smallest, 1e-20f, 1, 20, 1e7f, 3e7f, 1e30f]),
        new("ReduceProd with a zero", x => ReduceProd(x, [0]), x => x.prod(-1), 2, 0, 3, -1e7f),
        new("ReduceProd with zeros", x => ReduceProd(x, [0]), x => x.prod(-1), 0, 5, 0),
        new("ReduceProd of an infinity", x => ReduceProd(x, [0]), x => x.prod(-1), 2, Infinity, 3) { WhereTorchHasNone = 6 },
        new("TopK", x => TopK(x, 3, 0).Values, x => x.topk(3, 0).values, [-Infinity, -1, -Smallest, 1e7f, Infinity]),
        new("Relu", Relu, x => x.relu(), Everywhere),
        new("LeakyRelu", x => LeakyRelu(x, 0.2f), x => functional.leaky_relu(x, 0.2), Everywhere),
        new("Elu", x => Elu(x, 1.5f), x => functional.elu(x, 1.5), Everywhere),
        new("HardSigmoid", x => HardSigmoid(x, 1 / 6f, 0.5f), x => functional.hardsigmoid(x), Everywhere),
        new("HardTanh", x => HardTanh(x, -1f, 1f), x => functional.hardtanh(1f * x, -1, 1, inplace: true), Everywhere),
        new("Clip", x => Clip(x, -1f, 1f), x => x.clamp(-1, 1), Everywhere),
        new("Erf", Erf, x => x.erf(), Everywhere),
        new("Exp", Exp, x => x.exp(), Everywhere),
        new("Log", Log, x => x.log(), [Smallest, 1e-20f, 1, 1e20f, float.MaxValue]),
        new("Sqrt", Sqrt, x => x.sqrt(), [0, Smallest, 1, 1e20f, float.MaxValue]),
        new("Abs", Abs, x => x.abs(), Everywhere),
        new("Square", Square, x => x.square(), [.. Finite.Where(x => Math.Abs(x) < 1e8f)]),
        new("Pow 0", x => Pow(x, 0f), x => x.pow(0), Everywhere),
        new("Pow 1", x => Pow(x, 1f), x => x.pow(1), Finite),
        new("Pow 2", x => Pow(x, 2f), x => x.pow(2), [.. Finite.Where(x => Math.Abs(x) is 0 or (> 1e-10f and < 1e8f))]),
        new("Pow 0.5", x => Pow(x, 0.5f), x => x.pow(0.5), [0, .. Positive]),
        new("Max", x => Max(x, 1f), x => torch.maximum(x, torch.ones(1)), Everywhere),
        new("Min", x => Min(x, 1f), x => torch.minimum(x, torch.ones(1)), Everywhere),
        new("Where", x => Where(Greater(x, 0f), x, 0f), x => torch.where(x > 0, x, torch.zeros(1)), Everywhere),
        new("Div by what grows", x => 1f / x, x => 1f / x, [.. Finite.Where(x => Math.Abs(x) is > 1e-10f and < 1e10f)]),
        .. Vectors.Select((points, i) => new ExtremeRow($"Softmax {i}", x => Softmax(x, 0), x => x.softmax(0), points)),
        .. Vectors.Select((points, i) => new ExtremeRow($"LogSoftmax {i}", x => LogSoftmax(x, 0), x => x.log_softmax(0), points)),
        .. Vectors.Concat([[-Infinity, -Infinity], [1, Infinity], [Infinity, Infinity]]).Select((points, i) => new ExtremeRow($"LogSumExp {i}", x => LogSumExp(x, 0), x => x.logsumexp(0), points)),
        .. Vectors.Select((points, i) => new ExtremeRow($"ReduceMax {i}", x => ReduceMax(x, [0]), x => x.amax([0]), points)),
        new("Normalize of equal numbers", x => Normalize(x, [0], 1e-5f), x => functional.layer_norm(x, [4]), 3, 3, 3, 3),
        new("Normalize of large numbers", x => Normalize(x, [0], 1e-5f), x => functional.layer_norm(x, [4]), 1e7f, 2e7f, -3e7f, 1e6f),
    ];

    // What a softmax meets: masks, one certain class, logits far apart.
    private static float[][] Vectors => [[-Infinity, 1, 2], [-Infinity, -Infinity, 0], [1e7f, 0, -1e7f], [1e30f, 0, 0], [0, 0, 0], [-200, 100, 88]];

    private static ExtremeRow[] Layers =>
    [
        Layer("SiLU", () => SiLU(), Finite),
        Layer("Mish", () => Mish(), Finite),
        Layer("GELU", () => GELU(), Finite),
        Layer("CELU", () => CELU(0.5), [.. Finite.Where(x => x < 1e30f)]),
        Layer("SELU", () => SELU(), Finite),
        Layer("LogSigmoid", () => LogSigmoid(), Finite),
        Layer("Tanhshrink", () => Tanhshrink(), Finite),
        Layer("Softsign", () => Softsign(), [.. Finite.Where(x => Math.Abs(x) < 1e8f)]),
        Layer("Softshrink", () => Softshrink(0.5), Finite),
        Layer("Hardshrink", () => Hardshrink(0.5), Finite),
        Layer("Hardswish", () => Hardswish(), [.. Finite.Where(x => x < 1e30f)]),
        Layer("Softplus", () => torch.nn.Softplus(1), Finite),
        Layer("ReLU6", () => ReLU6(), Everywhere),
    ];

    [TestCaseSource(nameof(Rows))]
    [TestCaseSource(nameof(Layers))]
    public void ValueAndGradient_AtExtremes_EqualTorch(ExtremeRow row)
    {
        var x = Value.Input("x", ElementType.Float32, [row.Points.Length]);
        var y = row.Onnx(x);

        float[][] actual = GraphRunner.Run([y, Backward.Gradients(Sum(y), [x])[0]], (x, row.Points));

        using var t = torch.tensor(row.Points).requires_grad_();
        using var expected = row.Torch(t);
        expected.sum().backward();
        float[] values = expected.ToArray(), gradients = t.grad!.ToArray();
        Assert.Multiple(() =>
        {
            for (int i = 0; i < values.Length; i++)
            {
                AssertEqual(actual[0][i], values[i], $"value at {row.Points[i]:g}");
            }

            for (int i = 0; i < gradients.Length; i++)
            {
                AssertEqual(actual[1][i], float.IsNaN(gradients[i]) ? row.WhereTorchHasNone ?? float.NaN : gradients[i], $"gradient at {row.Points[i]:g}");
            }
        });
    }

    // Prediction and target, in pairs: saturated and certain, right and wrong, masked, ignored.
    private static LossRow[] Losses =>
    [
        new("BCELoss", () => BCELoss(), [0, 0, 1, 1, 1e-20f, 1 - 6e-8f, 0.5f, 1e-38f], [0, 1, 0, 1, 1, 0, 0.3f, 1]),
        new("BCELoss of a sigmoid", () => BCELoss(), [-200, -200, 200, 200, -100, 100, 0, -10], [0, 1, 0, 1, 1, 0, 0.5f, 1]) { Before = (Sigmoid, x => x.sigmoid()) },
        new("BCELoss, weighted", () => BCELoss(torch.tensor([1f, 2f])), [0, 1], [1, 0]),
        new("BCEWithLogitsLoss", () => BCEWithLogitsLoss(), [-200, -200, 200, 200, 1e7f, -1e7f, 3e7f], [0, 1, 0, 1, 1, 1, 0]),
        new("KLDivLoss", () => KLDivLoss(false, Reduction.Sum), [-1, -80, -1e7f, 0], [0, 0, 1e-20f, 1]),
        new("CrossEntropyLoss, masked", () => CrossEntropyLoss(), [-Infinity, 1, 2, 3, -Infinity, 0], [1, 2]) { Classes = 3 },
        new("CrossEntropyLoss, masked and ignored", () => CrossEntropyLoss(), [-Infinity, 1, 2, 3, -Infinity, 0], [1, -100]) { Classes = 3 },
        new("CrossEntropyLoss, far apart", () => CrossEntropyLoss(), [1e7f, 0, -1e7f, 3e7f, 1, 0], [2, 0]) { Classes = 3 },
        new("CrossEntropyLoss, weighted", () => CrossEntropyLoss(weight: torch.tensor([1f, 2f, 3f])), [-Infinity, 1, 2, 3, -Infinity, 0], [1, 2]) { Classes = 3 },
        new("NLLLoss, masked", () => NLLLoss(), [-Infinity, -1, -2, -3, -Infinity, 0], [1, 2]) { Classes = 3 },
        new("MSELoss", () => MSELoss(), [1e15f, 0, -1e15f], [0, 1e15f, 0]),
        new("SmoothL1Loss", () => SmoothL1Loss(), [1e15f, 0, -1e30f], [0, 1e15f, 0]),
        new("PoissonNLLLoss", () => PoissonNLLLoss(), [-200, 80, 0], [0, 1e7f, 3]),
    ];

    [TestCaseSource(nameof(Losses))]
    public void LossAndGradient_AtExtremes_EqualTorch(LossRow row)
    {
        var loss = row.Build();
        Shape shape = row.Classes > 0 ? [row.Prediction.Length / row.Classes, row.Classes] : [row.Prediction.Length];
        var (x, y) = (Value.Input("x", ElementType.Float32, shape), Value.Input("y", row.Classes > 0 ? ElementType.Int64 : ElementType.Float32, [row.Target.Length]));
        var output = new ModuleLowering(loss).Lower(loss, row.Before.Onnx(x), y);
        Array target = row.Classes > 0 ? row.Target.Select(label => (long)label).ToArray() : row.Target;

        float[][] actual = GraphRunner.Run([output, Backward.Gradients(output, [x])[0]], (x, row.Prediction), (y, target));

        using var t = row.Prediction.ToTorch(shape).requires_grad_();
        using var expected = loss.call(row.Before.Torch(t), row.Classes > 0 ? torch.tensor((long[])target) : torch.tensor(row.Target));
        expected.backward();
        AssertEqual(actual[0][0], expected.item<float>(), "loss");
        Assert.Multiple(() =>
        {
            foreach (var (gradient, i) in t.grad!.ToArray().Select((gradient, i) => (gradient, i)))
            {
                AssertEqual(actual[1][i], gradient, $"gradient to {row.Prediction[i]:g}");
            }
        });
    }

    // ONNX Runtime's Sigmoid and Elu are zero where they are far below 1.
    private static void AssertEqual(float actual, float expected, string what) => Assert.That(
        actual, float.IsFinite(expected) ? Is.EqualTo(expected).Within((Tolerance * Math.Abs(expected)) + Absolute) : Is.EqualTo(expected), what);

    private static ExtremeRow Layer(string name, Func<torch.nn.Module<torch.Tensor, torch.Tensor>> build, float[] points)
    {
        var layer = build();
        return new ExtremeRow(name, x => new ModuleLowering(layer).Lower(layer, x), layer.call, points);
    }
}
