using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>A column of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Categories">The names of its categories; empty for numbers.</param>
public sealed record ColumnSpec(string Name, ColumnKind Kind, IReadOnlyList<string> Categories)
{
    /// <summary>The decimals with which its numbers are written, 0 for whole numbers; null if they are too many to round.</summary>
    public int? Decimals { get; init; }

    /// <summary>Where its values begin in the vector of a row; <see cref="TableSpec.Of"/> sets it.</summary>
    public int Start { get; init; }

    /// <summary>Values in the vector of a row: a number, the probability of the second of two categories, or one for each of several categories.</summary>
    [JsonIgnore]
    public int Width => Kind == ColumnKind.Category ? Categories.Count : 1;

    /// <summary>What is wrong with it; null if nothing is.</summary>
    internal string? FindFault() => Kind switch
    {
        ColumnKind.Number when Categories.Count > 0 => "holds numbers, but has categories",
        ColumnKind.Number => null,
        _ when Categories.Distinct().Count() != Categories.Count => "has two categories of the same name",
        ColumnKind.Binary => Categories.Count == 2 ? null : $"has {Categories.Count} categories; expected 2",
        _ => Categories.Count >= 2 ? null : $"has {Categories.Count} categories; expected 2 or more",
    };
}
