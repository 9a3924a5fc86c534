using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Kernels;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Passes;

/// <summary>Writes operators that not all execution providers have a kernel for as others, and refuses nodes that the one aimed at cannot run.</summary>
internal static class MissingKernels
{
    private static readonly Dictionary<string, Func<Node, Value, Value>> Replacements = new()
    {
        ["Round"] = (_, x) => Round(x),
        ["LogSoftmax"] = (node, x) => LogSoftmax(x, (int)node.Attribute<long>("axis")),
    };

    /// <summary>Rebuilds the graph behind the outputs.</summary>
    /// <param name="outputs">The values to write, in standard operators.</param>
    /// <param name="provider">The execution provider; null for any, which gets the operators that all have.</param>
    /// <exception cref="NotSupportedException">The provider has no kernel for a node; the message names its layer.</exception>
    public static IReadOnlyList<Value> Replace(IReadOnlyList<Value> outputs, string? provider)
    {
        KernelTable[] tables = provider is null ? [.. KernelTable.Providers.Select(name => KernelTable.For(name)!)] : KernelTable.For(provider) is { } table ? [table] : [];
        var lacking = Replacements.Where(pair => !tables.All(table => table.Has(pair.Key))).ToDictionary();
        var replaced = GraphOrder.NodesOf(outputs).Any(node => lacking.ContainsKey(node.OperatorType)) ? GraphRewriter.Rewrite(outputs, (node, inputs) =>
        {
            var results = !node.IsOpaque && lacking.TryGetValue(node.OperatorType, out var replacement) ? [replacement(node, inputs[0])] : inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs;
            Node.LabelBetween(inputs, results, _ => node.Path);
            return results;
        }) : outputs;
        KernelTable.For(provider)?.Require(replaced);
        return replaced;
    }

    // Halves go to the even neighbour.
    private static Value Round(Value x)
    {
        var below = Ops.Floor(x);
        var rest = x - below;
        var isOdd = below - (2f * Ops.Floor(0.5f * below));
        return below + Ops.Cast(Ops.Greater(rest, 0.5f), ElementType.Float32) + (Ops.Cast(Ops.Equal(rest, 0.5f), ElementType.Float32) * isOdd);
    }

    private static Value LogSoftmax(Value x, int axis)
    {
        var shifted = x - Ops.ReduceMax(x, [axis], keepDimensions: true);
        return shifted - Ops.Log(Ops.ReduceSum(Ops.Exp(shifted), [axis], keepDimensions: true));
    }
}
