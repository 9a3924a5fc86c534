namespace OnnxVae.Benchmarks;

/// <summary>A model's training step in TorchSharp, eager: forward pass, autograd, Adam.</summary>
internal abstract class TorchStep : IDisposable
{
    /// <summary>Runs a step; gives the loss.</summary>
    /// <param name="noise">The random numbers of the compiled step, by the names of its inputs.</param>
    public abstract float Run(IReadOnlyDictionary<string, float[]> noise);

    /// <inheritdoc/>
    public abstract void Dispose();
}
