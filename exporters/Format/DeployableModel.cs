namespace OnnxVae.Format;

/// <summary>A deployable graph, still without weights: inputs named like states are the weights.</summary>
/// <param name="AnyRuntime">The graph in operators that any runtime knows how to optimize.</param>
/// <param name="Tuned">The same with algorithms that are faster on an execution provider, for batches; by provider.</param>
public sealed record DeployableModel(OnnxModel AnyRuntime, IReadOnlyDictionary<string, OnnxModel> Tuned);
