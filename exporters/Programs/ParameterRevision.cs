using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Programs;

/// <summary>A final change to a parameter in a step, not driven by a gradient: a clipped weight, a dead code that is replaced.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Revise">Maps the optimizer's result to the parameter's new value.</param>
public sealed record ParameterRevision(State Parameter, Func<Value, Value> Revise);
