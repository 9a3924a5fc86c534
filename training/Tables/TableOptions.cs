using System.Text;
using OnnxVae.Format;

namespace OnnxVae.Training.Tables;

/// <summary>How the file of a table is read. What is left out is inferred from the file.</summary>
public sealed record TableOptions
{
    /// <summary>What columns are taken for, by their names. Others hold numbers if all of their values are such, except for 0 and 1 alone; else categories.</summary>
    public IReadOnlyDictionary<string, ColumnType> Types { get; init; } = new Dictionary<string, ColumnType>();

    /// <summary>The columns that a model takes, which are looked up by their names; null to take those of the file.</summary>
    public TableSpec? Table { get; init; }

    /// <summary>What is between the fields of a line; null for a tab in a <c>.tsv</c>, else what the first line has.</summary>
    public char? Delimiter { get; init; }

    /// <summary>The decimal sign, a point or a comma; null to tell by the numbers.</summary>
    public char? DecimalSign { get; init; }

    /// <summary>The encoding of the text, which a byte order mark overrides; null for UTF-8.</summary>
    public Encoding? Encoding { get; init; }

    /// <summary>Whether double quotes enclose fields in which delimiters and line breaks are text.</summary>
    public bool HasQuotes { get; init; } = true;

    /// <summary>Whether the first line names the columns; else they are called c1, c2 and so on.</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>What stands for a missing value, besides nothing and the null of a <c>.parquet</c>; null for the usual signs in text: NA, N/A, #N/A, NaN, null, None, <c>?</c>.</summary>
    public IReadOnlyList<string>? Missing { get; init; }
}
