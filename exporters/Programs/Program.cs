using OnnxVae.Exporters.Files;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Programs;

/// <summary>What runs once per step: inputs and states go in, updated states and metrics come out.</summary>
/// <param name="Name">The program's name, and its file's.</param>
/// <param name="Inputs">What the runner supplies; unused inputs are left out of the file.</param>
/// <param name="States">The states that may be read.</param>
/// <param name="Updates">The states that change.</param>
/// <param name="Metrics">The reported results.</param>
public sealed record Program(
    string Name, IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<State> States, IReadOnlyList<StateUpdate> Updates, IReadOnlyList<Metric> Metrics)
{
    /// <summary>Writes the program as an ONNX model, with its description.</summary>
    /// <param name="target">Where the program will run; the CPU if left out.</param>
    public CompiledProgram Compile(CompilationTarget? target = null)
    {
        var taken = Inputs.Select(input => input.Spec.Name).Concat(States.Select(state => state.Spec.Name)).ToHashSet();
        MetricSpec[] metrics = [.. Metrics.Select(metric => new MetricSpec(metric.Name, metric.Value.Type, metric.Value.Shape, metric.Role)
        {
            Output = taken.Contains(metric.Name) ? $"{metric.Name}.metric" : null,
        })];
        var outputs = GraphCompiler.RunPasses(
            [.. metrics.Zip(Metrics, (spec, metric) => (spec.OutputName, metric.Value)), .. Updates.Select(update => (ProgramSpec.NextName(update.State.Spec.Name), update.Next))],
            target ?? CompilationTarget.Training);
        var needed = outputs.Where((_, i) => i >= metrics.Length || metrics[i].Role.IsContribution()).ToArray(); // at every run, whether metrics are read or not
        var model = Collect(outputs);
        var used = model.Inputs.Select(input => input.Name).ToHashSet();
        var spec = new ProgramSpec(
            $"{Name}.onnx",
            [.. Inputs.Select(input => input.Spec).Where(input => used.Contains(input.Name))],
            [.. States.Select(state => state.Spec.Name).Where(used.Contains)],
            [.. Updates.Select(update => update.State.Spec.Name)],
            metrics)
        {
            FileWithoutMetrics = needed.Length > 0 && needed.Length < outputs.Count ? $"{Name}.without-metrics.onnx" : null,
        };
        var states = States.Union(Updates.Select(update => update.State)).ToArray();
        return new CompiledProgram(
            spec, model, spec.FileWithoutMetrics is null ? null : Collect(needed),
            [.. states.Select(state => state.Spec)], states.ToDictionary(state => state.Spec.Name, state => state.Initial))
        {
            Unneeded = [.. Inputs.Select(input => input.Spec.Name).Where(name => !used.Contains(name))],
        };
    }

    private OnnxModel Collect(IReadOnlyList<(string Name, Value Value)> outputs) =>
        OnnxModelWriter.Write(Name, [.. Inputs.Select(input => input.Value), .. States.Select(state => state.Current)], outputs);
}
