using System.Text.Json.Serialization;

namespace OnnxVae.Inference;

/// <summary>What a column of a table holds.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TableColumnKind>))]
public enum TableColumnKind
{
    /// <summary>Real numbers, in units of their own.</summary>
    Number,

    /// <summary>One of two categories.</summary>
    Binary,

    /// <summary>One of several categories.</summary>
    Category,
}

/// <summary>A column of the table whose rows a model takes, and where its values are in the vector of a row: NaN if they are missing.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Categories">The names of its categories; empty for numbers.</param>
/// <param name="Start">Where its values begin.</param>
/// <example><code>
/// float[] row = new float[scorer.Metadata.ImageSize];
/// foreach (var column in scorer.Metadata.Columns)
/// {
///     column.Write(column.Name switch { "age" => 41, "smoker" => column.IndexOf("no"), _ => float.NaN }, row);
/// }
/// </code></example>
public sealed record TableColumn(string Name, TableColumnKind Kind, IReadOnlyList<string> Categories, int Start)
{
    private const float Half = 0.5f;

    /// <summary>The decimals with which the training data wrote its numbers, 0 for whole numbers; null if they were too many to round.</summary>
    public int? Decimals { get; init; }

    /// <summary>Values in the vector of a row: a number, the probability of the second of two categories, or one for each of several categories.</summary>
    [JsonIgnore]
    public int Width => Kind == TableColumnKind.Category ? Categories.Count : 1;

    /// <summary>The position of a category.</summary>
    /// <param name="category">Its name.</param>
    /// <exception cref="ArgumentException">There is no such category.</exception>
    public int IndexOf(string category)
    {
        for (int i = 0; i < Categories.Count; i++)
        {
            if (Categories[i] == category)
            {
                return i;
            }
        }

        throw new ArgumentException($"Column '{Name}' {(Categories.Count == 0 ? "holds numbers" : $"has no category '{category}'; it has {string.Join(", ", Categories)}")}.", nameof(category));
    }

    /// <summary>The probability of a category.</summary>
    /// <param name="row">The vector of a row with probabilities, Float32 [C].</param>
    /// <param name="category">Its position.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no category at the position.</exception>
    public float ProbabilityOf(ReadOnlySpan<float> row, int category)
    {
        RequireCategory(category, nameof(category));
        return Kind == TableColumnKind.Category ? row[Start + category] : category == 1 ? row[Start] : 1 - row[Start];
    }

    /// <summary>Writes a value into the vector of a row.</summary>
    /// <param name="cell">A number, a category's position, or NaN for a missing value.</param>
    /// <param name="row">The vector, Float32 [C].</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no category at the position.</exception>
    public void Write(float cell, Span<float> row)
    {
        if (Kind != TableColumnKind.Number && !float.IsNaN(cell))
        {
            RequireCategory(cell, nameof(cell));
        }

        if (Kind != TableColumnKind.Category)
        {
            row[Start] = cell;
            return;
        }

        var places = row.Slice(Start, Width);
        places.Fill(float.IsNaN(cell) ? float.NaN : 0);
        if (!float.IsNaN(cell))
        {
            places[(int)cell] = 1;
        }
    }

    /// <summary>Reads a value from the vector of a row.</summary>
    /// <param name="row">The vector, Float32 [C]; categories may have probabilities.</param>
    /// <returns>The number, the position of the likeliest category, or NaN if the value is missing.</returns>
    public float Read(ReadOnlySpan<float> row)
    {
        if (Kind == TableColumnKind.Number || float.IsNaN(row[Start]))
        {
            return row[Start];
        }

        if (Kind == TableColumnKind.Binary)
        {
            return row[Start] > Half ? 1 : 0;
        }

        int likeliest = 0;
        for (int i = 1; i < Width; i++)
        {
            likeliest = row[Start + i] > row[Start + likeliest] ? i : likeliest;
        }

        return likeliest;
    }

    private void RequireCategory(float position, string parameter)
    {
        if (!(position >= 0 && position < Categories.Count && position == MathF.Floor(position)))
        {
            throw new ArgumentOutOfRangeException(parameter, Categories.Count == 0 ? $"Column '{Name}' holds numbers and has no categories." : $"The category of column '{Name}' is {position}; expected a position from 0 to {Categories.Count - 1}.");
        }
    }
}
