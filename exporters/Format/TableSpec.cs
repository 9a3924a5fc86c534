using System.Text.Json;

namespace OnnxVae.Format;

/// <summary>Neighboring columns of a kind in the vector of a row.</summary>
/// <param name="Kind">What they hold.</param>
/// <param name="Start">Where their values begin.</param>
/// <param name="Columns">How many columns they are.</param>
/// <param name="Width">Values of each.</param>
public sealed record TableBlock(ColumnKind Kind, int Start, int Columns, int Width)
{
    /// <summary>Where the values after them begin.</summary>
    public int End => Start + (Columns * Width);
}

/// <summary>
/// The columns of a table, and how a row of it is a vector: numbers come first, then the probability of the second of two categories, then one-hot vectors, the shorter ones first; a
/// missing value is NaN in all places of its column.
/// </summary>
public sealed class TableSpec
{
    private static readonly JsonSerializerOptions JsonOptions = new(Manifest.JsonOptions) { WriteIndented = false };

    private TableSpec(IReadOnlyList<ColumnSpec> columns)
    {
        Columns = columns;
        Blocks = [.. columns.GroupBy(column => (column.Kind, column.Width)).Select(alike => new TableBlock(alike.Key.Kind, alike.Min(column => column.Start), alike.Count(), alike.Key.Width)).OrderBy(block => block.Start)];
    }

    /// <summary>The columns, in the table's order.</summary>
    public IReadOnlyList<ColumnSpec> Columns { get; }

    /// <summary>Columns of the same kind and width, in the order of the vector.</summary>
    public IReadOnlyList<TableBlock> Blocks { get; }

    /// <summary>Values in the vector of a row.</summary>
    public int Width => Blocks[^1].End;

    /// <summary>Lays out columns.</summary>
    /// <param name="columns">The columns, in the table's order.</param>
    /// <exception cref="ArgumentException">There are none, two have the same name, or one has too few categories, or two of the same name.</exception>
    public static TableSpec Of(IReadOnlyList<ColumnSpec> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Count == 0 || columns.Select(column => column.Name).Distinct().Count() != columns.Count)
        {
            throw new ArgumentException($"The table has {(columns.Count == 0 ? "no columns" : "two columns of the same name")}; expected one or more, each of another name.", nameof(columns));
        }

        if (columns.FirstOrDefault(column => column.FindFault() is not null) is { } wrong)
        {
            throw new ArgumentException($"Column '{wrong.Name}' {wrong.FindFault()}.", nameof(columns));
        }

        var placed = new Dictionary<ColumnSpec, ColumnSpec>(ReferenceEqualityComparer.Instance);
        int start = 0;
        foreach (var column in columns.OrderBy(column => column.Kind).ThenBy(column => column.Width))
        {
            placed[column] = column with { Start = start, Categories = [.. column.Categories] };
            start += column.Width;
        }

        return new TableSpec([.. columns.Select(column => placed[column])]);
    }

    /// <summary>The name of the first column that another table lacks, or has at another place or with other values; null if they are alike.</summary>
    /// <param name="other">The other table.</param>
    public string? DifferenceFrom(TableSpec other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (int i = 0; i < Math.Max(Columns.Count, other.Columns.Count); i++)
        {
            if (i >= Columns.Count || i >= other.Columns.Count || (Columns[i].Name, Columns[i].Kind) != (other.Columns[i].Name, other.Columns[i].Kind) || !Columns[i].Categories.SequenceEqual(other.Columns[i].Categories))
            {
                return (i < Columns.Count ? Columns : other.Columns)[i].Name;
            }
        }

        return null;
    }

    /// <summary>The columns as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(Columns, JsonOptions);

    /// <summary>Reads columns.</summary>
    /// <param name="json">What <see cref="ToJson"/> returned.</param>
    /// <exception cref="InvalidDataException">They are damaged.</exception>
    public static TableSpec FromJson(string json)
    {
        try
        {
            return Of(JsonSerializer.Deserialize<ColumnSpec[]>(json, JsonOptions)!);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The description of columns is damaged: {e.Message}", e);
        }
    }
}
