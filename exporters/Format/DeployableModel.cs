namespace OnnxVae.Format;

/// <summary>A deployable graph, still without weights: inputs named like states are the weights.</summary>
/// <param name="AnyRuntime">The graph in operators that any runtime knows how to optimize.</param>
/// <param name="Tuned">The same with algorithms that are faster on an execution provider, for batches; by provider.</param>
public sealed record DeployableModel(OnnxModel AnyRuntime, IReadOnlyDictionary<string, OnnxModel> Tuned)
{
    /// <summary>From how many images on the tuned graph is used; a few images are faster with a runtime's own operators.</summary>
    public const int FewestForTuned = 4;

    /// <summary>
    /// The file for a provider, with its weights: as fast for one image as that for any runtime, and faster for batches, because it holds both graphs and
    /// an <c>If</c> that chooses by the size of the batch.
    /// </summary>
    /// <param name="weights">The weights, by name.</param>
    /// <param name="provider">The execution provider that it is tuned for; null for operators that any runtime knows.</param>
    /// <exception cref="InvalidDataException">A weight differs from its input in type or shape.</exception>
    public OnnxModel Bake(IReadOnlyDictionary<string, Tensor> weights, string? provider = null)
    {
        var anyRuntime = AnyRuntime.Bake(weights);
        return provider is null || !Tuned.TryGetValue(provider, out var tuned) ? anyRuntime
            : tuned.HasGraphOf(AnyRuntime) ? tuned.Bake(weights)
            : OnnxModel.ByBatch(anyRuntime, tuned.Bake(weights), FewestForTuned);
    }
}
