using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;

namespace OnnxVae.Exporters.Optimizers;

/// <summary>An update rule for parameters, as part of the graph.</summary>
public abstract record Optimizer
{
    /// <summary>The scalars that the rule needs at every step.</summary>
    public abstract IReadOnlyList<ProgramInput> Schedules { get; }

    /// <summary>The rule for one parameter.</summary>
    /// <param name="parameter">The parameter, Float32 of any shape.</param>
    /// <param name="gradient">The loss's gradient to it, of the same shape.</param>
    /// <returns>The parameter's update, and those of the optimizer's own states.</returns>
    public abstract IReadOnlyList<StateUpdate> Update(State parameter, Value gradient);

    /// <summary>A state of the optimizer as large as the parameter, zero at first.</summary>
    protected static State Memory(string name, State parameter) => State.Create(
        $"{name}.{parameter.Spec.Name}", StateRole.Optimizer, Tensor.Zeros(parameter.Spec.Type, parameter.Spec.Shape));
}
