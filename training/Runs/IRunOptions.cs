namespace OnnxVae.Training.Runs;

/// <summary>Everything that a run was asked for, stored as JSON in the run's folder.</summary>
public interface IRunOptions
{
    /// <summary>What the run trains, as its <c>options.json</c> says: <c>autoencoder</c>, <c>prior</c>, <c>classifier</c>, or a name of one's own.</summary>
    static abstract string Kind { get; }
}
