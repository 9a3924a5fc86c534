using OnnxVae.Exporters.Graph;

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
        ["And"] = "its operands are truth values",
        ["ArgMax"] = "its result is an integer",
        ["Cast"] = "changes the element type; only Float32 values carry gradients",
        ["ConstantOfShape"] = "its input is a shape",
        ["Conv"] = $"appears in expanded models only; differentiate {Primitive.Convolution}",
        ["ConvTranspose"] = $"appears in expanded models only; differentiate {Primitive.ConvolutionInputGradient}",
        ["Equal"] = "piecewise constant",
        ["Expand"] = "its symbolic batch has to be known",
        ["Floor"] = $"piecewise constant; {nameof(Ops.StraightThrough)} gives it a gradient",
        ["Greater"] = "piecewise constant",
        ["GreaterOrEqual"] = "piecewise constant",
        ["LayerNormalization"] = $"appears in expanded models only; differentiate {Primitive.Normalize}",
        ["Mod"] = "its operands are integers",
        ["Round"] = $"piecewise constant; {nameof(Ops.StraightThrough)} gives it a gradient",
        ["Not"] = "its operand is a truth value",
        ["Or"] = "its operands are truth values",
        ["Shape"] = "its result is an integer",
        [Primitive.StopGradient] = "stops gradients by definition",
    };

    // Rules that need a gradient in full; those of Elementwise also take one that merely broadcasts to the result's shape.
    private static Dictionary<string, GradientRule>[] InFull => [Contractions, Shapes, Reductions, Normalizations, Poolings];

    /// <summary>The operators that have a rule.</summary>
    public static IEnumerable<string> OperatorTypes => [.. Elementwise.Keys, .. InFull.SelectMany(rules => rules.Keys)];

    /// <summary>
    /// Finds an operator's rule. <paramref name="pointwise"/> rules also take a gradient that merely broadcasts to the
    /// result's shape; the others get it in full.
    /// </summary>
    internal static bool TryFind(string operatorType, out GradientRule rule, out bool pointwise)
    {
        pointwise = Elementwise.ContainsKey(operatorType);
        rule = Elementwise.GetValueOrDefault(operatorType)
            ?? InFull.Select(rules => rules.GetValueOrDefault(operatorType)).FirstOrDefault(found => found is not null)!;
        return rule is not null;
    }
}
