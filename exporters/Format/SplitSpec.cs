using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>A training step in two programs, for batches that are computed in parts.</summary>
/// <param name="Gradients">Computes what a part of the batch contributes, and changes no state.</param>
/// <param name="Apply">Updates the states from the contributions of all parts.</param>
public sealed record SplitSpec(ProgramSpec Gradients, ProgramSpec Apply)
{
    /// <summary>States whose updates depend on the batch other than by sums over it, such as those of batch normalization: each part computes an update by itself, and they are averaged.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> OfSingleParts => [.. Apply.Updates.Where(state => Gradients.Metrics.Any(metric => metric.Name == StateNames.UpdateByPart(state)))];

    /// <summary>The same with the schedules of the step in one program.</summary>
    internal SplitSpec WithSchedulesOf(ProgramSpec step)
    {
        var schedules = step.Inputs.Where(input => input.Schedule is not null).ToDictionary(input => input.Name, input => input.Schedule);
        return new SplitSpec(Follow(Gradients), Follow(Apply));

        ProgramSpec Follow(ProgramSpec program) => program with { Inputs = [.. program.Inputs.Select(input => schedules.TryGetValue(input.Name, out var schedule) ? input with { Schedule = schedule } : input)] };
    }

    /// <summary>What is wrong with it; null if nothing is.</summary>
    /// <param name="step">The step in one program.</param>
    internal string? FindFault(ProgramSpec step)
    {
        var contributions = Gradients.Metrics.Where(metric => metric.Role.IsContribution()).ToDictionary(metric => metric.Name, metric => metric.Shape);
        return Gradients.Updates.Count > 0 ? $"'{Gradients.File}' changes states, which is up to '{Apply.File}'"
            : Apply.Inputs.FirstOrDefault(input => input.Role == InputRole.Contribution && (!contributions.TryGetValue(input.Name, out var shape) || shape != input.Shape)) is { } input
                ? $"'{Apply.File}' takes '{input.Name}', which '{Gradients.File}' does not compute"
            : Gradients.Metrics.Count(metric => metric.Role == MetricRole.Loss) != 1 ? $"'{Gradients.File}' does not have one loss"
            : !Apply.Updates.Order(StringComparer.Ordinal).SequenceEqual(step.Updates.Order(StringComparer.Ordinal)) ? $"'{Apply.File}' does not change the same states as '{step.File}'"
            : null;
    }
}
