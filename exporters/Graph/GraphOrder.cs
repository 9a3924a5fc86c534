namespace OnnxVae.Exporters.Graph;

/// <summary>Orders a graph so that every value comes after the inputs of its node.</summary>
internal static class GraphOrder
{
    /// <summary>The given values and everything that they depend on; deterministic, without recursion.</summary>
    public static IReadOnlyList<Value> Of(IEnumerable<Value> outputs)
    {
        var order = new List<Value>();
        var visited = new HashSet<Value>();
        var pending = new Stack<(Value Value, bool InputsDone)>();
        foreach (var output in outputs.Reverse())
        {
            pending.Push((output, false));
        }

        while (pending.TryPop(out var next))
        {
            if (next.InputsDone)
            {
                order.Add(next.Value);
            }
            else if (visited.Add(next.Value))
            {
                pending.Push((next.Value, true));
                foreach (var input in next.Value.Inputs.Reverse())
                {
                    pending.Push((input, false));
                }
            }
        }

        return order;
    }

    /// <summary>The nodes behind values, each once, after its dependencies.</summary>
    public static IEnumerable<Node> NodesOf(IEnumerable<Value> outputs) => Of(outputs).Select(value => value.Producer).OfType<Node>().Distinct();
}
