using System.Collections.Immutable;

namespace OnnxVae.Exporters.Graph;

/// <summary>Rebuilds a graph node by node, each after its dependencies.</summary>
internal static class GraphRewriter
{
    /// <summary>Applies a rule to every node.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="rewrite">
    /// Gives a node's results for its rebuilt inputs, which are the node's own array if nothing before it changed.
    /// </param>
    /// <param name="leaf">Gives the replacement of an input or a constant; itself if absent.</param>
    public static IReadOnlyList<Value> Rewrite(
        IReadOnlyList<Value> outputs, Func<Node, ImmutableArray<Value>, ImmutableArray<Value>> rewrite, Func<Value, Value>? leaf = null) =>
        Translate(outputs, (node, inputs) => rewrite(node, inputs.SequenceEqual(node.Inputs) ? node.Inputs : inputs), leaf ?? (value => value));

    /// <summary>Substitutes other values for inputs or constants.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="leaf">Gives the replacement of an input or a constant; itself if it stays.</param>
    public static IReadOnlyList<Value> Substitute(IReadOnlyList<Value> outputs, Func<Value, Value> leaf) =>
        Rewrite(outputs, (node, inputs) => inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs, leaf);

    /// <summary>Gives every value a counterpart of another kind.</summary>
    /// <typeparam name="T">The kind.</typeparam>
    /// <param name="outputs">The values to translate.</param>
    /// <param name="translate">Gives the counterparts of a node's results from those of its inputs.</param>
    /// <param name="leaf">Gives the counterpart of an input or a constant.</param>
    public static IReadOnlyList<T> Translate<T>(
        IReadOnlyList<Value> outputs, Func<Node, ImmutableArray<T>, ImmutableArray<T>> translate, Func<Value, T> leaf)
    {
        var leaves = new Dictionary<Value, T>();
        var results = new Dictionary<Node, ImmutableArray<T>>();
        foreach (var value in GraphOrder.Of(outputs))
        {
            if (value.Producer is not { } node)
            {
                leaves[value] = leaf(value);
            }
            else if (!results.ContainsKey(node))
            {
                results[node] = translate(node, [.. node.Inputs.Select(Counterpart)]);
            }
        }

        return [.. outputs.Select(Counterpart)];

        T Counterpart(Value value) => value.Producer is { } node ? results[node][value.OutputIndex] : leaves[value];
    }
}
