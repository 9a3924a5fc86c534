
namespace OnnxVae.Training.Runs;

/// <summary>The progress of training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Loss">The loss of the last logged step; the first step is logged.</param>
public readonly record struct TrainingProgress(long Step, long Steps, float Loss);
