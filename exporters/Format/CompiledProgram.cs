namespace OnnxVae.Format;

/// <summary>A program as ONNX models, with its initial states.</summary>
/// <param name="Spec">Its description.</param>
/// <param name="Model">The program.</param>
/// <param name="WithoutMetrics">The same without metrics, but with what parts of a batch contribute, for steps whose metrics are not read; null for a program that has only metrics, or none.</param>
/// <param name="States">The states that it reads or changes.</param>
/// <param name="Initial">Their values before the first run, by name.</param>
public sealed record CompiledProgram(
    ProgramSpec Spec, OnnxModel Model, OnnxModel? WithoutMetrics, IReadOnlyList<StateSpec> States, IReadOnlyDictionary<string, Tensor> Initial)
{
    /// <summary>Names of inputs that no result needs; the program does not have them.</summary>
    public IReadOnlyList<string> Unneeded { get; init; } = [];
}
