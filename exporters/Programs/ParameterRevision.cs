using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Programs;

/// <summary>A last change of a parameter in a step, which no gradient asks for: a clipped weight, a dead code that is replaced.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Revise">What the optimizer made of it, to what it becomes.</param>
public sealed record ParameterRevision(State Parameter, Func<Value, Value> Revise);
