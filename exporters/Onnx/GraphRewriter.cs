using System.Collections.Immutable;

namespace OnnxVae.Exporters.Onnx;

/// <summary>Rebuilds a graph node by node, each after the ones that it depends on.</summary>
internal static class GraphRewriter
{
    /// <summary>Applies a rule to every node.</summary>
    /// <param name="outputs">The values to rebuild.</param>
    /// <param name="rewrite">
    /// Gives a node's results on its rebuilt inputs, which are the node's own array where nothing before it changed.
    /// </param>
    /// <param name="leaf">Gives the replacement of an input or a constant; itself if absent.</param>
    public static IReadOnlyList<Value> Rewrite(
        IReadOnlyList<Value> outputs, Func<Node, ImmutableArray<Value>, ImmutableArray<Value>> rewrite, Func<Value, Value>? leaf = null)
    {
        var leaves = new Dictionary<Value, Value>();
        var results = new Dictionary<Node, ImmutableArray<Value>>();
        foreach (var value in GraphOrder.Of(outputs))
        {
            if (value.Producer is not { } node)
            {
                leaves[value] = leaf?.Invoke(value) ?? value;
            }
            else if (!results.ContainsKey(node))
            {
                ImmutableArray<Value> inputs = [.. node.Inputs.Select(Replacement)];
                results[node] = rewrite(node, inputs.SequenceEqual(node.Inputs) ? node.Inputs : inputs);
            }
        }

        return [.. outputs.Select(Replacement)];

        Value Replacement(Value value) => value.Producer is { } node ? results[node][value.OutputIndex] : leaves[value];
    }
}
