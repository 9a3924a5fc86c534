using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>A program of a package.</summary>
/// <param name="File">Its file in the package.</param>
/// <param name="Inputs">What the runner supplies.</param>
/// <param name="States">Names of the states that it reads.</param>
/// <param name="Updates">Names of the states that it changes; <see cref="NextName"/> gives the outputs' names.</param>
/// <param name="Metrics">What it reports.</param>
public sealed record ProgramSpec(
    string File, IReadOnlyList<InputSpec> Inputs, IReadOnlyList<string> States, IReadOnlyList<string> Updates, IReadOnlyList<MetricSpec> Metrics)
{
    private const string ConditionInput = "condition"; // as in exported files

    /// <summary>The name of the output with a state's new value.</summary>
    public static string NextName(string state) => $"{state}.next";

    /// <summary>The file of the same program without metrics, but with what parts of a batch contribute; null if there is none.</summary>
    public string? FileWithoutMetrics { get; init; }

    /// <summary>Its files in the package.</summary>
    [JsonIgnore]
    public IEnumerable<string> Files => FileWithoutMetrics is null ? [File] : [File, FileWithoutMetrics];

    /// <summary>The only input that takes examples, UInt8 or Float32 [N, C, ...].</summary>
    [JsonIgnore]
    public InputSpec Images => FindImages() ?? throw new InvalidOperationException($"Program '{File}' has no input for examples.");

    /// <summary>The shape of one example.</summary>
    [JsonIgnore]
    public ExampleShape ExampleShape => new((int)Images.Shape[1], [.. Images.Shape.Skip(2).Select(size => (int)size)]);

    /// <summary>Whether there is such an input, of a fixed shape.</summary>
    internal bool HasImages => FindImages() is { } images && images.Shape.All(size => size > 0);

    /// <summary>The input that takes the images' classes, Int64 [N]; null if there is none.</summary>
    [JsonIgnore]
    public InputSpec? Labels => Inputs.FirstOrDefault(input => input is { Role: InputRole.Data, Type: ElementType.Int64, Shape.Rank: 1 });

    /// <summary>The input that takes the images' conditions, Float32 [N, K]; null if there is none.</summary>
    [JsonIgnore]
    public InputSpec? Conditions => Inputs.FirstOrDefault(input => input is { Role: InputRole.Data, Type: ElementType.Float32, Shape.Rank: 2, Name: ConditionInput });

    // Called at every step, and steps do not allocate.
    private InputSpec? FindImages()
    {
        for (int i = 0; i < Inputs.Count; i++)
        {
            if (Inputs[i] is { Role: InputRole.Data, Type: ElementType.UInt8 or ElementType.Float32, Shape.Rank: >= 2 and <= 5, Name: not ConditionInput })
            {
                return Inputs[i];
            }
        }

        return null;
    }
}
