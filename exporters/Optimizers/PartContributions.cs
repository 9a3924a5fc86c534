using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>What a part of the batch contributes to a step, and the inputs that stand for it in the update.</summary>
/// <param name="batch">The inputs of the batch, its noise and schedules.</param>
internal sealed class PartContributions(IReadOnlyList<ProgramInput> batch)
{
    private readonly HashSet<Value> ofBatch = [.. batch.Where(input => input.Spec.Role != InputRole.Schedule).Select(input => input.Value)];
    private readonly Dictionary<Node, Value> ofNodes = [];
    private readonly List<(Metric Result, ProgramInput Input)> all = [];

    /// <summary>The results of a part.</summary>
    public IEnumerable<Metric> Results => all.Select(contribution => contribution.Result);

    /// <summary>The inputs of the update.</summary>
    public IEnumerable<ProgramInput> Inputs => all.Select(contribution => contribution.Input);

    /// <summary>Adds a contribution.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="role">How the parts' contributions are reduced.</param>
    /// <param name="value">The contribution.</param>
    /// <returns>What stands for the reduced contributions.</returns>
    public Value Add(string name, MetricRole role, Value value)
    {
        var input = ProgramInput.Contribution(name, value.Shape);
        all.Add((new Metric(name, role, value), input));
        return input.Value;
    }

    /// <summary>Updates that see the batch through contributions alone.</summary>
    /// <exception cref="ArgumentException">An update of whole numbers depends on the batch.</exception>
    public IReadOnlyList<StateUpdate> Separate(IReadOnlyList<StateUpdate> updates)
    {
        var next = GraphRewriter.Rewrite([.. updates.Select(update => update.Next)], (node, inputs) => RoleOf(node) is { } role ? [Contribution(node, role)]
            : inputs == node.Inputs ? node.Outputs : node.With(inputs).Outputs);
        return [.. updates.Zip(next, (update, value) => update with { Next = DependsOnBatch(value) ? MeanOf(update.State, value) : value })];
    }

    private Value Contribution(Node node, MetricRole role)
    {
        if (!ofNodes.TryGetValue(node, out var input))
        {
            ofNodes[node] = input = Add($"contribution.{ofNodes.Count}", role, node.Inputs[0]);
        }

        return input;
    }

    private Value MeanOf(State state, Value next) => next.Type == ElementType.Float32 ? Add(StateNames.UpdateByPart(state.Spec.Name), MetricRole.MeanOverParts, next) : throw new ArgumentException(
        $"The update of '{state.Spec.Name}' depends on the batch and is {next.Type}: parts of a batch can only average Float32.");

    private bool DependsOnBatch(Value value) => GraphOrder.Of([value]).Any(ofBatch.Contains);

    private static MetricRole? RoleOf(Node node) => node.OperatorType switch
    {
        Primitive.SumOverParts => MetricRole.SumOverParts,
        Primitive.OfFirstPart => MetricRole.OfFirstPart,
        _ => null,
    };
}
