namespace OnnxVae.Format;

/// <summary>A program as ONNX models, with what it starts from.</summary>
/// <param name="Spec">Its description.</param>
/// <param name="Model">The program.</param>
/// <param name="WithoutMetrics">The same without metrics, for steps whose metrics nobody reads; null for a program that has only metrics, or none.</param>
/// <param name="States">The states that it reads or changes.</param>
/// <param name="Initial">Their values before the first run, by name.</param>
public sealed record CompiledProgram(
    ProgramSpec Spec, OnnxModel Model, OnnxModel? WithoutMetrics, IReadOnlyList<StateSpec> States, IReadOnlyDictionary<string, Tensor> Initial)
{
    /// <summary>Names of inputs that no result needs; the program goes without them.</summary>
    public IReadOnlyList<string> Unneeded { get; init; } = [];
}

/// <summary>A graph to be deployed, still without weights: its inputs named like states are the weights.</summary>
/// <param name="AnyRuntime">The graph in operators that any runtime knows how to optimize.</param>
/// <param name="Tuned">The same in forms that are faster on an execution provider, for batches; by provider.</param>
public sealed record DeployableModel(OnnxModel AnyRuntime, IReadOnlyDictionary<string, OnnxModel> Tuned);

/// <summary>The files of a graph to be deployed in a package.</summary>
/// <param name="File">The graph for any runtime; what is exported has this name.</param>
/// <param name="Tuned">The graphs that are faster on an execution provider, for batches; by provider.</param>
public sealed record DeployableFiles(string File, IReadOnlyDictionary<string, string> Tuned)
{
    /// <summary>All of them.</summary>
    internal IEnumerable<string> All => [File, .. Tuned.Values];
}
