using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Programs;

/// <summary>What a step makes of a state.</summary>
/// <param name="State">The state.</param>
/// <param name="Next">Its value after the step.</param>
public sealed record StateUpdate(State State, Value Next);
