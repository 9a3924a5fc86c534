using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Autodiff;

/// <summary>
/// The table of gradient rules: one lambda per operator, written with the same operators. A rule returns every gradient and
/// handles nothing else; <see cref="Backward"/> owns broadcasting, accumulation and pruning. <see cref="GradientTable.With"/> adds custom rules.
/// </summary>
public static partial class GradientRules
{
    /// <summary>Operators whose result does not change under small changes of their inputs, or that are never differentiated, each with the reason.</summary>
    public static IReadOnlyDictionary<string, string> NotDifferentiable { get; } = new Dictionary<string, string>
    {
        ["And"] = "its operands are truth values",
        ["ArgMax"] = "its result is an integer",
        ["Cast"] = "changes the element type; only Float32 values carry gradients",
        ["ConstantOfShape"] = "its input is a shape",
        ["Conv"] = $"appears in lowered graphs only; differentiate {Primitive.Convolution}",
        ["ConvTranspose"] = $"appears in lowered graphs only; differentiate {Primitive.ConvolutionInputGradient}",
        ["Equal"] = "piecewise constant",
        ["Expand"] = "its symbolic batch has to be known",
        ["Floor"] = $"piecewise constant; {nameof(Ops.StraightThrough)} gives it a gradient",
        ["Greater"] = "piecewise constant",
        ["GreaterOrEqual"] = "piecewise constant",
        ["IsNaN"] = "its result is a truth value",
        ["LayerNormalization"] = $"appears in lowered graphs only; differentiate {Primitive.Normalize}",
        ["Mod"] = "its operands are integers",
        ["Round"] = $"piecewise constant; {nameof(Ops.StraightThrough)} gives it a gradient",
        ["Not"] = "its operand is a truth value",
        ["Or"] = "its operands are truth values",
        ["Shape"] = "its result is an integer",
        [Primitive.OfFirstPart] = "is for updates of statistics",
        [Primitive.StopGradient] = "stops gradients by definition",
        [Primitive.SumOverParts] = "is for updates of statistics",
    };

    private static Dictionary<string, GradientRule>[] All => [Elementwise, Contractions, Shapes, Reductions, Normalizations, Poolings];

    /// <summary>The operators that have a rule.</summary>
    public static IEnumerable<string> OperatorTypes => All.SelectMany(rules => rules.Keys);

    /// <summary>Finds an operator's rule.</summary>
    internal static bool TryFind(string operatorType, out GradientRule rule)
    {
        rule = All.Select(rules => rules.GetValueOrDefault(operatorType)).FirstOrDefault(found => found is not null)!;
        return rule is not null;
    }
}
