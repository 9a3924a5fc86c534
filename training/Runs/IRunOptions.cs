namespace OnnxVae.Training.Runs;

/// <summary>Everything that a run was started with, stored as JSON in the run's folder.</summary>
public interface IRunOptions
{
    /// <summary>What the run trains, as recorded in its <c>options.json</c>: <c>autoencoder</c>, <c>prior</c>, <c>classifier</c>, or a custom name.</summary>
    static abstract string Kind { get; }
}
