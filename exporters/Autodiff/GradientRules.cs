using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Autodiff;

/// <summary>The gradient of a loss to each input of an operator.</summary>
/// <param name="y">The operator's result; <c>y.Inputs</c> are its operands.</param>
/// <param name="dy">The gradient of the loss to y.</param>
/// <returns>One gradient per input; null for an input that has none (indices, conditions).</returns>
public delegate IReadOnlyList<Value?> GradientRule(Value y, Value dy);

/// <summary>
/// The table of gradient rules: one lambda per operator, written with the same operators. A rule returns every gradient and
/// cares for nothing else; <see cref="Backward"/> owns broadcasting, accumulation and the question who wants to know.
/// </summary>
public static partial class GradientRules
{
    /// <summary>Operators whose result does not change by small changes of their inputs, or which are never differentiated, each with the reason.</summary>
    public static IReadOnlyDictionary<string, string> NotDifferentiable { get; } = new Dictionary<string, string>
    {
        ["Cast"] = "changes the element type; only Float32 values carry gradients",
        ["ConstantOfShape"] = "its input is a shape",
        ["Conv"] = $"appears in expanded models only; differentiate {Primitive.Convolution}",
        ["ConvTranspose"] = $"appears in expanded models only; differentiate {Primitive.ConvolutionInput}",
        ["Gather"] = "appears in expanded models only",
        ["Greater"] = "piecewise constant",
        [Primitive.StopGradient] = "stops gradients by definition",
    };

    /// <summary>
    /// Finds an operator's rule. <c>Pointwise</c> rules also take a gradient that merely broadcasts to the result's shape;
    /// the others get it in full.
    /// </summary>
    internal static bool TryFind(string operatorType, out GradientRule rule, out bool pointwise)
    {
        pointwise = Elementwise.TryGetValue(operatorType, out rule!);
        return pointwise || Contractions.TryGetValue(operatorType, out rule!) || Shapes.TryGetValue(operatorType, out rule!);
    }

    /// <summary>The operators that have a rule.</summary>
    public static IEnumerable<string> OperatorTypes => [.. Elementwise.Keys, .. Contractions.Keys, .. Shapes.Keys];
}
