namespace OnnxVae.Exporters.Graph;

/// <summary>Properties of operator types.</summary>
internal static class Operators
{
    private static readonly HashSet<string> Elementwise =
    [
        "Abs", "Add", "And", "Cast", "Clip", "Cos", "Div", "Elu", "Equal", "Erf", "Exp", "Floor", "Greater", "GreaterOrEqual", "HardSigmoid", "IsNaN", "LeakyRelu", "Log", "Max", "Min",
        "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Relu", "Round", "Sigmoid", "Sin", "Sqrt", "Sub", "Tanh", "Where",
        Primitive.HardTanh, Primitive.Silu, Primitive.Softplus, Primitive.StopGradient, Primitive.StraightThrough, Primitive.SumOverParts, Primitive.OfFirstPart,
    ];

    /// <summary>
    /// Whether each entry of the result depends only on the entries at its place in the operands, which broadcast: such operators may be applied in any layout,
    /// and their gradient rules to gradients that merely broadcast.
    /// </summary>
    public static bool IsElementwise(string operatorType) => Elementwise.Contains(operatorType);
}
