
namespace OnnxVae.Training.Runs;

/// <summary>The progress of training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Total number of steps.</param>
/// <param name="Loss">The loss of the last logged step; null before the first one.</param>
public readonly record struct TrainingProgress(long Step, long Steps, double? Loss)
{
    /// <summary>The loss of the validation images, when they were last evaluated; null before that, or if there are none.</summary>
    public double? ValidationLoss { get; init; }
}
