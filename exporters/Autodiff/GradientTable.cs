using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Autodiff;

/// <summary>The gradient of a loss with respect to each input of an operator.</summary>
/// <param name="y">The operator's result; <c>y.Inputs</c> are its operands.</param>
/// <param name="dy">The gradient of the loss with respect to y.</param>
/// <returns>One gradient per input; null for an input that has none (indices, conditions).</returns>
public delegate IReadOnlyList<Value?> GradientRule(Value y, Value dy);

/// <summary>The table of gradient rules: operator type to rule. Immutable.</summary>
public sealed class GradientTable
{
    private readonly ImmutableDictionary<string, GradientRule> own;

    private GradientTable(ImmutableDictionary<string, GradientRule> own) => this.own = own;

    /// <summary>The rules of <see cref="GradientRules"/>.</summary>
    public static GradientTable Default { get; } = new(ImmutableDictionary<string, GradientRule>.Empty);

    /// <summary>
    /// The table with a rule added for an operator, or replaced: also for operators that were read from a file and that this project has no
    /// function for. The rule gets the gradient in full, in the result's shape; if it returns one that broadcasts to an input, the walk sums or repeats it.
    /// </summary>
    /// <param name="operatorType">The ONNX operator type, such as <c>Det</c>.</param>
    /// <param name="rule">The rule, written with <see cref="Ops"/>.</param>
    public GradientTable With(string operatorType, GradientRule rule) => new(own.SetItem(operatorType, rule));

    /// <summary>
    /// Finds the rule for a node. Rules of elementwise operators also take a gradient that merely broadcasts to the result's shape; the others get it in full.
    /// </summary>
    internal bool TryFind(Node node, out GradientRule rule, out bool isElementwise)
    {
        isElementwise = false;
        if (own.TryGetValue(node.OperatorType, out rule!))
        {
            return true;
        }

        isElementwise = Operators.IsElementwise(node.OperatorType);
        return !node.IsOpaque && GradientRules.TryFind(node.OperatorType, out rule);
    }
}
