using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>Parameters with an optimizer of their own: part of a network with a different learning rate, or one that minimizes a different loss.</summary>
/// <param name="Name">The group's name, the suffix of its schedules' names: <c>learningRate.NAME</c>.</param>
/// <param name="Parameters">The parameters.</param>
/// <param name="Optimizer">How they change.</param>
public sealed record ParameterGroup(string Name, IReadOnlyList<State> Parameters, Optimizer Optimizer)
{
    /// <summary>The loss that they minimize, a Float32 scalar, reported as metric <c>loss.NAME</c>; null for the step's loss.</summary>
    public Value? Loss { get; init; }

    /// <summary>The name of an optimizer's schedule in a group.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="group">The group's name.</param>
    public static string NameOf(ProgramInput schedule, string group)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        return $"{schedule.Spec.Name}.{group}";
    }

    /// <summary>Updates that read schedules under the group's own names, and these schedules.</summary>
    internal (IReadOnlyList<StateUpdate> Updates, IReadOnlyList<ProgramInput> Schedules) WithOwnSchedules(IReadOnlyList<StateUpdate> updates)
    {
        if (Name.Length == 0)
        {
            return (updates, Optimizer.Schedules);
        }

        var own = Optimizer.Schedules.ToDictionary(input => input.Value, input => ProgramInput.Scheduled(NameOf(input, Name), input.Spec.Schedule!));
        var next = GraphRewriter.Substitute([.. updates.Select(update => update.Next)], leaf => own.TryGetValue(leaf, out var input) ? input.Value : leaf);
        return ([.. updates.Zip(next, (update, value) => update with { Next = value })], [.. own.Values]);
    }
}
