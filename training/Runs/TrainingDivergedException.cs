
namespace OnnxVae.Training.Runs;

/// <summary>Training stopped because a number was not finite.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <inheritdoc cref="Exception()"/>
    public TrainingDivergedException()
    {
    }

    /// <inheritdoc cref="Exception(string)"/>
    public TrainingDivergedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc cref="Exception(string, Exception)"/>
    public TrainingDivergedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
