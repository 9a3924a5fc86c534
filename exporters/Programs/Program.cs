using OnnxVae.Exporters.Files;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Programs;

/// <summary>A tensor that the runner brings at every run.</summary>
/// <param name="Spec">Its name, type, shape and role.</param>
/// <param name="Value">Its place in the graph.</param>
public sealed record ProgramInput(InputSpec Spec, Value Value)
{
    /// <summary>A part of the batch: images, labels.</summary>
    public static ProgramInput Data(string name, ElementType type, Shape shape) => Create(new InputSpec(name, type, shape, InputRole.Data));

    /// <summary>Independent standard-normal numbers, Float32.</summary>
    public static ProgramInput StandardNormal(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.StandardNormal));

    /// <summary>Independent numbers, uniform in [0, 1), Float32.</summary>
    public static ProgramInput Uniform(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.Uniform));

    /// <summary>Independent numbers, uniform in [0, 1), that belong to the batch's data, Float32.</summary>
    public static ProgramInput DataUniform(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.DataUniform));

    /// <summary>A scalar that follows a schedule, Float32 [].</summary>
    public static ProgramInput Scheduled(string name, Schedule schedule) =>
        Create(new InputSpec(name, ElementType.Float32, Shape.Scalar, InputRole.Schedule, schedule));

    private static ProgramInput Create(InputSpec spec) => new(spec, Value.Input(spec.Name, spec.Type, spec.Shape));
}

/// <summary>A named tensor that lives from step to step: a parameter, an optimizer's moment, a running average.</summary>
/// <param name="Spec">Its name, type, shape and role.</param>
/// <param name="Current">Its value before the step.</param>
/// <param name="Initial">Its value before the first step.</param>
public sealed record State(StateSpec Spec, Value Current, Tensor Initial)
{
    /// <summary>Makes a state from its initial value.</summary>
    public static State Create(string name, StateRole role, Tensor initial) => new(
        new StateSpec(name, initial.Type, initial.Shape, role), Value.Input(name, initial.Type, initial.Shape), initial);
}

/// <summary>What a step makes of a state.</summary>
/// <param name="State">The state.</param>
/// <param name="Next">Its value after the step.</param>
public sealed record StateUpdate(State State, Value Next);

/// <summary>A last change of a parameter in a step, which no gradient asks for: a clipped weight, a dead code that is replaced.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Revise">What the optimizer made of it, to what it becomes.</param>
public sealed record ParameterRevision(State Parameter, Func<Value, Value> Revise);

/// <summary>A named result that is reported, not fed back.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">What the runner does with it.</param>
/// <param name="Value">The result.</param>
public sealed record Metric(string Name, MetricRole Role, Value Value);

/// <summary>What runs once per step: inputs and states go in, updated states and metrics come out.</summary>
/// <param name="Name">The program's name, and its file's.</param>
/// <param name="Inputs">What the runner brings; inputs that nothing needs are left out of the file.</param>
/// <param name="States">The states that may be read.</param>
/// <param name="Updates">The states that change.</param>
/// <param name="Metrics">The reported results.</param>
public sealed record Program(
    string Name, IReadOnlyList<ProgramInput> Inputs, IReadOnlyList<State> States, IReadOnlyList<StateUpdate> Updates, IReadOnlyList<Metric> Metrics)
{
    /// <summary>Writes the program as an ONNX model, with its description.</summary>
    /// <param name="target">Where the program will run; the processor if absent.</param>
    public CompiledProgram Compile(CompilationTarget? target = null)
    {
        var taken = Inputs.Select(input => input.Spec.Name).Concat(States.Select(state => state.Spec.Name)).ToHashSet();
        MetricSpec[] metrics = [.. Metrics.Select(metric => new MetricSpec(metric.Name, metric.Value.Type, metric.Value.Shape, metric.Role)
        {
            Output = taken.Contains(metric.Name) ? $"{metric.Name}.metric" : null,
        })];
        var outputs = GraphCompiler.Expand(
            [.. metrics.Zip(Metrics, (spec, metric) => (spec.OutputName, metric.Value)), .. Updates.Select(update => (ProgramSpec.NextName(update.State.Spec.Name), update.Next))],
            target ?? CompilationTarget.Training);
        var model = Collect(outputs);
        var used = model.Inputs.Select(input => input.Name).ToHashSet();
        var spec = new ProgramSpec(
            $"{Name}.onnx",
            [.. Inputs.Select(input => input.Spec).Where(input => used.Contains(input.Name))],
            [.. States.Select(state => state.Spec.Name).Where(used.Contains)],
            [.. Updates.Select(update => update.State.Spec.Name)],
            metrics)
        {
            FileWithoutMetrics = Updates.Count > 0 && Metrics.Count > 0 ? $"{Name}.without-metrics.onnx" : null,
        };
        var states = States.Union(Updates.Select(update => update.State)).ToArray();
        return new CompiledProgram(
            spec, model, spec.FileWithoutMetrics is null ? null : Collect([.. outputs.Skip(Metrics.Count)]),
            [.. states.Select(state => state.Spec)], states.ToDictionary(state => state.Spec.Name, state => state.Initial))
        {
            Unneeded = [.. Inputs.Select(input => input.Spec.Name).Where(name => !used.Contains(name))],
        };
    }

    private OnnxModel Collect(IReadOnlyList<(string Name, Value Value)> outputs) =>
        OnnxModelWriter.Write(Name, [.. Inputs.Select(input => input.Value), .. States.Select(state => state.Current)], outputs);
}
