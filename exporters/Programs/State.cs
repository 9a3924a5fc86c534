using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Programs;

/// <summary>A named tensor that is kept from step to step: a parameter, an optimizer's moment, a running average.</summary>
/// <param name="Spec">Its name, type, shape and role.</param>
/// <param name="Current">Its value before the step.</param>
/// <param name="Initial">Its value before the first step.</param>
public sealed record State(StateSpec Spec, Value Current, Tensor Initial)
{
    /// <summary>Makes a state from its initial value.</summary>
    public static State Create(string name, StateRole role, Tensor initial) => new(
        new StateSpec(name, initial.Type, initial.Shape, role), Value.Input(name, initial.Type, initial.Shape), initial);
}
