using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Programs;

/// <summary>A named result that is reported, not fed back.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Role">What the runner does with it.</param>
/// <param name="Value">The result.</param>
public sealed record Metric(string Name, MetricRole Role, Value Value);
