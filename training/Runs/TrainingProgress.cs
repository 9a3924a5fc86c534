
namespace OnnxVae.Training.Runs;

/// <summary>Where training stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">The loss of the last step that was logged; the first one is.</param>
public readonly record struct TrainingProgress(long Step, long Steps, float Loss);
