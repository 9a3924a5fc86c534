using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Programs;

/// <summary>A state's update in a step.</summary>
/// <param name="State">The state.</param>
/// <param name="Next">Its value after the step.</param>
public sealed record StateUpdate(State State, Value Next);
