namespace OnnxVae.Training.Runs;

/// <summary>A line of a run's log.</summary>
/// <param name="Step">The step.</param>
/// <param name="Values">Metrics, figures of the validation images, schedules, speed, by their names in <c>metrics.jsonl</c>, in the units that they have there (losses: nats per image); <c>clipped</c> is a share in [0, 1]. Numbers that are not finite are left out.</param>
public sealed record LoggedStep(long Step, IReadOnlyDictionary<string, double> Values);
