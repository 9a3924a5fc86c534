using OnnxVae.Cli.Options;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;

namespace OnnxVae.Cli.Models;

/// <summary>The scalars of a model's training that change from step to step, by the names of their inputs.</summary>
internal static class ModelSchedules
{
    /// <summary>The schedules that options specify, perhaps more than the model takes.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    /// <exception cref="UsageException">There are too few steps.</exception>
    public static IReadOnlyDictionary<string, Schedule> Of(ModelOptions options, long steps) =>
        Objectives.Create(options, LengthOf(options, steps)).Schedules
            .Append(Optimizers.Create(options, LengthOf(options, steps)).LearningRate)
            .Select(input => (input.Spec.Name, Schedule: input.Spec.Schedule!))
            .Concat(Optimizers.Groups(options, LengthOf(options, steps)).Select(group => (Name: ParameterGroup.NameOf(group.Value.LearningRate, group.Key), Schedule: group.Value.LearningRate.Spec.Schedule!)))
            .ToDictionary(entry => entry.Name, entry => entry.Schedule);

    /// <summary>The number of steps that schedules are made for: the run's, unless they have a length of their own.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    public static long LengthOf(ModelOptions options, long steps) => options.ScheduleSteps ?? steps;

    /// <summary>The number of steps that a run must have because its schedules were made for it; null if none depends on it.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    public static long? RequiredSteps(ModelOptions options, long steps) =>
        options.ScheduleSteps is null && (options.LearningRateSchedule != LearningRates.Constant || options.BetaCycles > 0 || options.Capacity is not null) ? steps : null;
}
