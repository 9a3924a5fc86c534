using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>An input of a program.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What fills it.</param>
/// <param name="Schedule">How it follows the step, for <see cref="InputRole.Schedule"/>.</param>
public sealed record InputSpec(string Name, ElementType Type, Shape Shape, InputRole Role, Schedule? Schedule = null)
{
    /// <summary>Whether these random numbers are the same for all parts of a batch; those of others belong to rows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsShared { get; init; }
}
