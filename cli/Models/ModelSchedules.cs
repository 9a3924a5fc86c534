using OnnxVae.Cli.Terminal;
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
    public static IReadOnlyDictionary<string, Schedule> Of(ModelOptions options, long steps)
    {
        long length = LengthOf(options, steps);
        var schedules = Objectives.Create(options, length).Schedules.Append(Optimizers.Create(options, length).LearningRate).ToDictionary(input => input.Spec.Name, input => input.Spec.Schedule!);
        foreach (var (pattern, optimizer) in Optimizers.Groups(options, length))
        {
            schedules[ParameterGroup.NameOf(optimizer.LearningRate, pattern)] = optimizer.LearningRate.Spec.Schedule!;
        }

        return schedules;
    }

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
