using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Elementwise =>
    [
        Pointwise("Add", node => node[0] + node[1], ElementType.Int64),
        Pointwise("Sub", node => node[0] - node[1], ElementType.Int64),
        Pointwise("Mul", node => node[0] * node[1], ElementType.Int64),
        Pointwise("Div", node => node[0] / node[1]),
        .. SameType.Select(name => Row(name, node => node.Keep((node[0].Type, Shape.Broadcast(node.ShapeOf(0), node.ShapeOf(1))))[0])),
        Row("Pow", ReadPower),
        Row("BitShift", node => node.OneOf("direction", "LEFT", "RIGHT").Length > 0 ? node.Keep((node[0].Type, Shape.Broadcast(node.ShapeOf(0), node.ShapeOf(1))))[0] : null),
        Row("Mod", node => node.Known(1)?.Longs?.Contains(0) == true ? throw node.Error("it divides by zero") : !node.Flag("fmod") && node[0].Type == ElementType.Int64 ? Mod(node[0], node[1]) : node.Keep((node[0].Type, Shape.Broadcast(node.ShapeOf(0), node.ShapeOf(1))))[0]),
        Pointwise("Sum", node => Fold(node, Add)),
        Pointwise("Mean", node => Fold(node, Add) * (1f / node.Count)),
        Pointwise("Max", node => Fold(node, Max)),
        Pointwise("Min", node => Fold(node, Min)),
        Pointwise("Neg", node => -node[0]),
        Pointwise("Abs", node => Abs(node[0])),
        Pointwise("Sign", node => Cast(Greater(node[0], 0f), ElementType.Float32) - Cast(Less(node[0], 0f), ElementType.Float32)),
        Pointwise("Exp", node => Exp(node[0])),
        Pointwise("Log", node => Log(node[0])),
        Pointwise("Sqrt", node => Sqrt(node[0])),
        Pointwise("Reciprocal", node => 1f / node[0]),
        Pointwise("Sin", node => Sin(node[0])),
        Pointwise("Cos", node => Cos(node[0])),
        Pointwise("Erf", node => Erf(node[0])),
        Pointwise("Floor", node => StopGradient(Floor(node[0]))), // as in libtorch, whose gradient is 0
        Pointwise("Ceil", node => StopGradient(-Floor(-node[0]))),
        Pointwise("Round", node => StopGradient(Round(node[0]))),
        Pointwise("Sigmoid", node => Sigmoid(node[0])),
        Pointwise("Tanh", node => Tanh(node[0])),
        Pointwise("Relu", node => Relu(node[0])),
        Pointwise("LeakyRelu", node => LeakyRelu(node[0], node.Float("alpha", 0.01f))),
        Pointwise("PRelu", node => Where(Greater(node[0], 0f), node[0], node[1] * node[0])),
        Pointwise("ThresholdedRelu", node => Where(Greater(node[0], node.Float("alpha", 1f)), node[0], 0f)),
        Pointwise("Elu", node => Elu(node[0], node.Float("alpha", 1f))),
        Pointwise("Celu", node => node.Float("alpha", 1f) is var alpha && alpha > 0 ? alpha * Elu(node[0] / alpha, 1f) : Max(node[0], 0f) + Min(alpha * (Exp(node[0] / alpha) - 1f), 0f)),
        Pointwise("Selu", node => node.Float("gamma", 1.0507009f) * Elu(node[0], node.Float("alpha", 1.6732632f))),
        Pointwise("Gelu", node => Gelu(node[0], byTanh: node.OneOf("approximate", "none", "tanh") == "tanh")),
        Pointwise("Softplus", node => Softplus(node[0])),
        Pointwise("Softsign", node => node[0] / (1f + Abs(node[0]))),
        Pointwise("Mish", node => node[0] * Tanh(Softplus(node[0]))),
        Pointwise("HardSigmoid", node => HardSigmoid(node[0], node.Float("alpha", 0.2f), node.Float("beta", 0.5f))),
        Pointwise("HardSwish", node => node[0] * Clip((node[0] / 6f) + 0.5f, 0f, 1f)),
        Row("Clip", ReadClip),
        Row("Greater", node => Comparison(node, Greater)),
        Row("Less", node => Comparison(node, Less)),
        Row("GreaterOrEqual", node => Comparison(node, GreaterOrEqual)),
        Row("LessOrEqual", node => Comparison(node, LessOrEqual)),
        Row("Equal", node => Equal(node[0], node[1])),
        Row("And", node => And(node[0], node[1])),
        Row("Or", node => Or(node[0], node[1])),
        Row("Not", node => Not(node[0])),
        Row("Where", node => Where(node[0], node[1], node[2])),
        Row("Cast", ReadCast),
        Row("CastLike", node => Cast(node[0], node[1].Type)),
        Row("Identity", node => node[0]),
        new("Dropout", ReadDropout),
        .. SameShape.Select(name => Row(name, node => node.Keep((node[0].Type, node.ShapeOf(0)))[0])),
        Row("IsNaN", node => node.Keep((ElementType.Bool, node.ShapeOf(0)))[0]),
        Row("IsInf", node => node.Keep((ElementType.Bool, node.ShapeOf(0)))[0]),
        Row("Hardmax", node => node.Axis(-1) >= 0 ? node.Keep((node[0].Type, node.ShapeOf(0)))[0] : null),
        Row("EyeLike", node => node.Keep((ProtoTensors.TypeOf((int)node.Int("dtype", (long)node[0].Type)), node.ShapeOf(0).Rank == 2 ? node.ShapeOf(0) : throw node.Error($"{node.ShapeOf(0)} is not a matrix")))[0]),
    ];

    // Operators without a function here, whose result has the inputs' type and their broadcast shape.
    private static string[] SameType => ["BitwiseAnd", "BitwiseOr", "BitwiseXor", "Xor"];

    // Operators without a function here, whose result has the input's shape.
    private static string[] SameShape =>
        ["Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cosh", "LRN", "Shrink", "Sinh", "Tan"];

    // For types without a function here, the node stays as it is.
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> Pointwise(string operatorType, Func<OnnxNode, Value> read, ElementType? other = null) =>
        new(operatorType, node => node.IsReal || node[0].Type == other
            ? [read(node)]
            : node.Keep((node[0].Type, Enumerable.Range(0, node.Count).Select(node.ShapeOf).Aggregate(Shape.Broadcast))));

    private static Value? Comparison(OnnxNode node, Func<Value, Value, Value> compare) =>
        node[0].Type is ElementType.Float32 or ElementType.Int64 ? compare(node[0], node[1]) : node.Keep((ElementType.Bool, Shape.Broadcast(node.ShapeOf(0), node.ShapeOf(1))))[0];

    // A power of a constant is an exponential function.
    private static Value? ReadPower(OnnxNode node)
    {
        var (x, exponent) = (node[0], node.Known(1));
        return x.Type != ElementType.Float32 ? node.Keep((x.Type, Shape.Broadcast(x.Shape, node.ShapeOf(1))))[0]
            : exponent is { Count: 1 } && exponent.Shape.BroadcastsTo(x.Shape) ? node.Scalar(1, 1f) is var number && number == 2f ? Square(x) : Pow(x, number)
            : node.Known(0) is { } known && known.Reals.All(number => number > 0) && node[1].Type == ElementType.Float32
                ? Exp(node[1] * Value.Of<float>(known.Shape, [.. known.Reals.Select(number => MathF.Log(number))]))
            : node.Keep((x.Type, Shape.Broadcast(x.Shape, node.ShapeOf(1))))[0];
    }

    // If the limits cross, the upper one wins.
    private static Value ReadClip(OnnxNode node)
    {
        var x = node[0];
        if (x.Type != ElementType.Float32)
        {
            return node.Keep((x.Type, x.Shape))[0];
        }

        bool areKnown = Enumerable.Range(1, 2).All(i => !node.Has(i) || node.Known(i) is not null);
        return areKnown && node.Scalar(1, float.MinValue) is var min && node.Scalar(2, float.MaxValue) is var max && min <= max
            ? Clip(x, min, max)
            : Min(node.Find(1) is { } lower ? Max(x, lower) : x, node.Find(2) ?? float.MaxValue);
    }

    private static Value ReadCast(OnnxNode node)
    {
        var type = ProtoTensors.TypeOf((int)node.Int("to", 0));
        return Enum.IsDefined(type) ? Cast(node[0], type) : throw node.Error($"graphs have no tensors of ONNX's element type {node.Int("to", 0)}");
    }

    // In evaluation, which is how models are exported, it does nothing; in training its mask is noise.
    private static IReadOnlyList<Value>? ReadDropout(OnnxNode node) =>
        node.Has(1) && node.ShapeOf(1).Rank > 0 ? throw node.Error($"its ratio is of shape {node.ShapeOf(1)}; expected one number")
        : node.OutputCount == 1 && (!node.Has(2) || node.Known(2)?.Longs is [0])
            ? [node[0]]
        : node.Keep(new[] { (node[0].Type, node.ShapeOf(0)), (ElementType.Bool, node.ShapeOf(0)) }.Take(node.OutputCount));

    private static Value Fold(OnnxNode node, Func<Value, Value, Value> combine) =>
        Enumerable.Range(0, node.Count).Select(i => node[i]).Aggregate(combine);
}
