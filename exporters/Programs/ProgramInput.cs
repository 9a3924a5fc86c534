using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Programs;

/// <summary>A tensor that the runner supplies at every run.</summary>
/// <param name="Spec">Its name, type, shape and role.</param>
/// <param name="Value">Its place in the graph.</param>
public sealed record ProgramInput(InputSpec Spec, Value Value)
{
    /// <summary>A part of the batch: images, labels.</summary>
    public static ProgramInput Data(string name, ElementType type, Shape shape) => Create(new InputSpec(name, type, shape, InputRole.Data));

    /// <summary>Independent standard-normal numbers, Float32.</summary>
    public static ProgramInput StandardNormal(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.StandardNormal));

    /// <summary>Independent numbers, uniform in [0, 1), Float32.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape; the first axis is that of the batch's rows, or of several copies of the batch one after the other.</param>
    /// <param name="isShared">Whether no axis is that of the batch's rows: all parts of a batch have the same numbers.</param>
    public static ProgramInput Uniform(string name, Shape shape, bool isShared = false) =>
        Create(new InputSpec(name, ElementType.Float32, shape, InputRole.Uniform) { IsShared = isShared });

    /// <summary>Independent numbers, uniform in [0, 1), that belong to the batch's data, Float32.</summary>
    public static ProgramInput DataUniform(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.DataUniform));

    /// <summary>A scalar that follows a schedule, Float32 [].</summary>
    public static ProgramInput Scheduled(string name, Schedule schedule) =>
        Create(new InputSpec(name, ElementType.Float32, Shape.Scalar, InputRole.Schedule, schedule));

    /// <summary>What the parts of a batch have computed together, Float32.</summary>
    public static ProgramInput Contribution(string name, Shape shape) => Create(new InputSpec(name, ElementType.Float32, shape, InputRole.Contribution));

    private static ProgramInput Create(InputSpec spec) => new(spec, Value.Input(spec.Name, spec.Type, spec.Shape));
}
