using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

/// <summary>Reverse-mode differentiation: a walk from a loss back to the values whose gradients are requested.</summary>
/// <remarks>Griewank and Walther, Evaluating Derivatives, chapter 3. The result is a graph like any other and can be differentiated again.</remarks>
public static class Backward
{
    /// <summary>The gradients of a scalar loss.</summary>
    /// <param name="loss">Float32 scalar.</param>
    /// <param name="targets">Float32 values; parameters, usually.</param>
    /// <param name="rules">The gradient rules; <see cref="GradientTable.Default"/> if left out.</param>
    /// <returns>One Float32 value per target, with the target's shape; zeros where the loss does not depend on it.</returns>
    /// <exception cref="ArgumentException">The loss is not a scalar.</exception>
    /// <exception cref="NotSupportedException">An operator between loss and targets has no gradient rule.</exception>
    public static IReadOnlyList<Value> Gradients(Value loss, IReadOnlyList<Value> targets, GradientTable? rules = null) =>
        [.. Reached(loss, targets, rules ?? GradientTable.Default).Zip(targets, (gradient, target) => gradient ?? ConstantOfShape(target.Shape, 0f))];

    /// <summary>The same; null for targets that the loss does not depend on.</summary>
    internal static IReadOnlyList<Value?> Reached(Value loss, IReadOnlyList<Value> targets, GradientTable rules)
    {
        if (loss.Shape.ElementCount != 1 || loss.Shape.HasBatch)
        {
            throw new ArgumentException($"The loss must be a scalar, but '{loss}' has several elements: sum or average it.");
        }

        var order = GraphOrder.Of([loss]);
        if (order.FirstOrDefault(value => value.Shape.HasBatch) is { } symbolic)
        {
            throw new ArgumentException($"Gradients need known dimensions, but '{symbolic}' has a symbolic batch: compile for a fixed one.");
        }

        var onPath = GradientPaths.From(targets, order);
        var gradients = new Dictionary<Value, Value> { [loss] = ConstantOfShape(loss.Shape, 1f) };
        foreach (var y in order.Reverse())
        {
            if (y.Producer is { } node && onPath.Contains(y) && gradients.TryGetValue(y, out var dy))
            {
                foreach (var (x, dx) in Propagate(node, y, dy, rules).Where(pair => onPath.Contains(pair.Input)))
                {
                    gradients[x] = gradients.TryGetValue(x, out var other) ? other + dx : dx;
                }
            }
        }

        return [.. targets.Select(x => gradients.TryGetValue(x, out var dx) ? BroadcastTo(dx, x.Shape) : null)];
    }

    private static IEnumerable<(Value Input, Value Gradient)> Propagate(Node node, Value y, Value dy, GradientTable rules)
    {
        if (!rules.TryFind(node, out var rule, out bool isElementwise))
        {
            string reason = node.IsOpaque
                ? "it was read from a file with an operator or settings that have no gradient rule. Train only what comes after it"
                : $"{GradientRules.NotDifferentiable.GetValueOrDefault(node.OperatorType, "it has no gradient rule")}. Put StopGradient around it";
            throw new NotSupportedException($"No gradient through {node.OperatorType} '{node.Path}' (result {y.Shape}): {reason}, or add a rule with {nameof(GradientTable)}.{nameof(GradientTable.With)}.");
        }

        var gradients = rule(y, isElementwise ? dy : BroadcastTo(dy, y.Shape))
            .Zip(node.Inputs, (dx, x) => dx is null || (!isElementwise && dx.Shape.BroadcastsTo(x.Shape)) ? dx : SumToShape(dx, isElementwise ? y.Shape : dx.Shape, x.Shape))
            .ToArray();
        Node.LabelBetween([.. node.Inputs, .. node.Outputs, dy], gradients.OfType<Value>(), _ => $"{node.Path}.gradient".TrimStart('.'));
        return node.Inputs.Zip(gradients).Where(pair => pair.Second is not null)!;
    }

    // The gradient of an operand x that was broadcast to shape y: the sum over the axes along which it was repeated.
    // Where dx has size 1 along such an axis it stands for equal entries, and their sum is a multiple.
    private static Value SumToShape(Value dx, Shape y, Shape x)
    {
        int lead = y.Rank - x.Rank, offset = y.Rank - dx.Shape.Rank;
        var repeated = Enumerable.Range(0, y.Rank).Where(i => i < lead || (x[i - lead] == 1 && y[i] > 1)).ToArray();
        bool IsStored(int axis) => axis >= offset && dx.Shape[axis - offset] > 1;
        long multiple = repeated.Where(axis => !IsStored(axis)).Aggregate(1L, (product, axis) => product * y[axis]);
        var sum = ReduceSum(dx, [.. repeated.Where(IsStored).Select(axis => axis - offset)], keepDimensions: true);
        if (sum.Shape.Rank > x.Rank)
        {
            sum = Reshape(sum, [.. sum.Shape.Skip(sum.Shape.Rank - x.Rank)]);
        }

        return multiple == 1 ? sum : multiple * sum;
    }
}
