using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>A metric.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What it means.</param>
public sealed record MetricSpec(string Name, ElementType Type, Shape Shape, MetricRole Role)
{
    /// <summary>The name of the file's output if it differs: a state or an input has the metric's name.</summary>
    public string? Output { get; init; }

    /// <summary>The name of the file's output.</summary>
    [JsonIgnore]
    public string OutputName => Output ?? Name;
}
