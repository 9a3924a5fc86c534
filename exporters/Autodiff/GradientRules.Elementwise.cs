using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Elementwise = new()
    {
        ["Add"] = (y, dy) => [dy, dy],
        ["Sub"] = (y, dy) => [dy, -dy],
        ["Mul"] = (y, dy) => [dy * y.Inputs[1], dy * y.Inputs[0]],
        ["Div"] = (y, dy) => [dy / y.Inputs[1], -dy * y / y.Inputs[1]],
        ["Max"] = (y, dy) => [dy * Share(y.Inputs[0], y.Inputs[1]), dy * Share(y.Inputs[1], y.Inputs[0])],
        ["Min"] = (y, dy) => [dy * Share(y.Inputs[1], y.Inputs[0]), dy * Share(y.Inputs[0], y.Inputs[1])],
        ["Pow"] = (y, dy) => [Scalar(y.Inputs[1]) == 0 ? null : dy * y.Inputs[1] * Pow(y.Inputs[0], Scalar(y.Inputs[1]) - 1f), null],
        [Primitive.Softplus] = (y, dy) => [dy * Sigmoid(y.Inputs[0])],
        [Primitive.Silu] = (y, dy) => [SiluBack(y, dy, Sigmoid(y.Inputs[0]))],
        [Primitive.HardTanh] = (y, dy) => [dy * Indicator(y.Inputs[0], y.Inputs[1]) * Indicator(y.Inputs[2], y.Inputs[0]), null, null],
        ["Clip"] = (y, dy) => [dy * Within(y.Inputs[0], y.Inputs[1], y.Inputs[2]), null, null],
        ["Neg"] = (y, dy) => [-dy],
        ["Abs"] = (y, dy) => [dy * Sign(y.Inputs[0], 0f)],
        ["Exp"] = (y, dy) => [dy * y],
        ["Log"] = (y, dy) => [dy / y.Inputs[0]],
        ["Sqrt"] = (y, dy) => [dy / (2f * y)],
        ["Sin"] = (y, dy) => [dy * Cos(y.Inputs[0])],
        ["Cos"] = (y, dy) => [-dy * Sin(y.Inputs[0])],
        ["Erf"] = (y, dy) => [dy * ((2f / MathF.Sqrt(MathF.PI)) * Exp(-Square(y.Inputs[0])))],
        ["Sigmoid"] = (y, dy) => [dy * y * (1f - y)],
        ["Tanh"] = (y, dy) => [dy * (1f - Square(y))],
        ["Relu"] = (y, dy) => [dy * Indicator(y, 0f)],
        ["LeakyRelu"] = (y, dy) => [Where(Greater(y.Inputs[0], 0f), dy, y.Producer!.Attribute<float>("alpha") * dy)],
        ["Elu"] = (y, dy) => [Where(Greater(y.Inputs[0], 0f), dy, dy * (y + y.Producer!.Attribute<float>("alpha")))],
        ["HardSigmoid"] = (y, dy) => [dy * (y.Producer!.Attribute<float>("alpha") * Indicator(y, 0f) * Indicator(1f, y))],
        ["Where"] = (y, dy) => [null, Where(y.Inputs[0], dy, 0f), Where(y.Inputs[0], 0f, dy)],
        [Primitive.StraightThrough] = (y, dy) => [null, dy],
    };

    // s (1 + x (1 - s)) with x s = y, in an order that avoids cancellation.
    private static Value SiluBack(Value y, Value dy, Value sigmoid) => dy * (sigmoid + (y * (1f - sigmoid)));

    // 1 where a > b, else 0.
    private static Value Indicator(Value a, Value b) => Cast(Greater(a, b), ElementType.Float32);

    // 1 where x lies in [min, max], else 0.
    private static Value Within(Value x, Value min, Value max) =>
        Cast(GreaterOrEqual(x, min), ElementType.Float32) * Cast(GreaterOrEqual(max, x), ElementType.Float32);

    private static float Scalar(Value constant) => constant.Constant!.As<float>()[0];

    // The sign of a - b.
    private static Value Sign(Value a, Value b) => Indicator(a, b) - Indicator(b, a);

    // The part of a maximum's gradient that goes to a: equal operands get half each, as in libtorch.
    private static Value Share(Value a, Value b) => 0.5f * (1f + Sign(a, b));
}
