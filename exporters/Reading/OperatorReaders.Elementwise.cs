using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Elementwise =>
    [
        Row("Add", node => node[0] + node[1]),
        Row("Sub", node => node[0] - node[1]),
        Row("Mul", node => node[0] * node[1]),
        Row("Div", node => node[0] / node[1]),
        Row("Pow", node => node.Scalar(1, 1f) == 2f ? Square(node[0]) : Pow(node[0], node.Scalar(1, 1f))),
        Row("Mod", node => node.Int("fmod", 0) == 0 ? Mod(node[0], node[1]) : null),
        Row("Sum", node => Fold(node, Add)),
        Row("Max", node => Fold(node, Max)),
        Row("Min", node => Fold(node, Min)),
        Row("Neg", node => -node[0]),
        Row("Abs", node => Abs(node[0])),
        Row("Exp", node => Exp(node[0])),
        Row("Log", node => Log(node[0])),
        Row("Sqrt", node => Sqrt(node[0])),
        Row("Reciprocal", node => 1f / node[0]),
        Row("Sin", node => Sin(node[0])),
        Row("Cos", node => Cos(node[0])),
        Row("Erf", node => Erf(node[0])),
        Row("Floor", node => Floor(node[0])),
        Row("Round", node => Round(node[0])),
        Row("Sigmoid", node => Sigmoid(node[0])),
        Row("Tanh", node => Tanh(node[0])),
        Row("Relu", node => Relu(node[0])),
        Row("LeakyRelu", node => LeakyRelu(node[0], node.Float("alpha", 0.01f))),
        Row("PRelu", node => Where(Greater(node[0], 0f), node[0], node[1] * node[0])),
        Row("Elu", node => Elu(node[0], node.Float("alpha", 1f))),
        Row("Celu", node => node.Float("alpha", 1f) * Elu(node[0] / node.Float("alpha", 1f), 1f)),
        Row("Selu", node => node.Float("gamma", 1.0507009f) * Elu(node[0], node.Float("alpha", 1.6732632f))),
        Row("Softplus", node => Softplus(node[0])),
        Row("Softsign", node => node[0] / (1f + Abs(node[0]))),
        Row("Mish", node => node[0] * Tanh(Softplus(node[0]))),
        Row("HardSigmoid", node => HardSigmoid(node[0], node.Float("alpha", 0.2f), node.Float("beta", 0.5f))),
        Row("HardSwish", node => node[0] * Clip((node[0] / 6f) + 0.5f, 0f, 1f)),
        Row("Clip", node => Clip(node[0], node.Scalar(1, float.MinValue), node.Scalar(2, float.MaxValue))),
        Row("Greater", node => node[0].Type == ElementType.Float32 ? Greater(node[0], node[1]) : null),
        Row("Less", node => node[0].Type == ElementType.Float32 ? Greater(node[1], node[0]) : null),
        Row("GreaterOrEqual", node => node[0].Type == ElementType.Float32 ? GreaterOrEqual(node[0], node[1]) : null),
        Row("LessOrEqual", node => node[0].Type == ElementType.Float32 ? GreaterOrEqual(node[1], node[0]) : null),
        Row("Equal", node => Equal(node[0], node[1])),
        Row("Where", node => node[1].Type == ElementType.Float32 ? Where(node[0], node[1], node[2]) : null),
        Row("Cast", node => ProtoTensors.TypeOf((int)node.Int("to", 0)) is var type && Enum.IsDefined(type) ? Cast(node[0], type) : null),
        Row("Identity", node => node[0]),
        Row("Dropout", node => node.OutputCount == 1 && !node.Has(2) ? node[0] : null), // in evaluation, which is how models are exported
    ];

    private static Value Fold(OnnxNode node, Func<Value, Value, Value> combine) =>
        Enumerable.Range(0, node.Count).Select(i => node[i]).Aggregate(combine);
}
