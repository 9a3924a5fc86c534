using OnnxVae.Inference;

namespace OnnxVae.Training.Tables;

/// <summary>The value in the place of a missing one: a number, or a category's position.</summary>
/// <param name="row">The row's number, from 0.</param>
/// <param name="column">The column.</param>
public delegate float FilledValue(long row, TableColumn column);

/// <summary>A file with values in the place of missing ones; everything else stays as it is.</summary>
public sealed class FilledTable
{
    /// <summary>The column with the number of a copy, where there are several.</summary>
    internal const string Draw = "draw";

    private readonly ITableFile file;
    private readonly TableColumn?[] columns; // null for those that are not filled
    private readonly char decimalSign;

    /// <summary>Opens a file.</summary>
    /// <param name="path">A <c>.csv</c>, <c>.tsv</c> or <c>.parquet</c>.</param>
    /// <param name="reading">How it is read, with the columns that are filled.</param>
    /// <param name="skipsMalformed">Whether lines with another number of fields than the first one are left out.</param>
    /// <exception cref="ArgumentException">The columns are not given.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or has a column that cannot be copied.</exception>
    public FilledTable(string path, TableOptions reading, bool skipsMalformed = false)
    {
        ArgumentNullException.ThrowIfNull(reading);
        var table = reading.Table ?? throw new ArgumentException("The columns that are filled are not given.", nameof(reading));
        file = TableFiles.Open(path, reading, skipsMalformed);
        file.RequireCopyable();
        columns = [.. file.Columns.Select(name => table.Columns.FirstOrDefault(column => column.Name == name) is { } found ? TableRows.ToColumn(found) : null)];
        decimalSign = new TableFiles([path], reading, skipsMalformed, progress: null).DecimalSignOfAll();
    }

    /// <summary>Checks that several copies of the rows can be told apart.</summary>
    /// <exception cref="InvalidDataException">The file has a column <c>draw</c> of its own.</exception>
    public void RequireRoomForDraws()
    {
        if (file.Columns.Contains(Draw))
        {
            throw new InvalidDataException($"'{file.Path}' has a column '{Draw}', which several copies of its rows need for their numbers: rename it, or ask for one.");
        }
    }

    /// <summary>Writes rows.</summary>
    /// <param name="target">Receives a file of the same format.</param>
    /// <param name="range">Which rows.</param>
    /// <param name="draws">The values of each copy of the rows; several copies follow each other, and have their numbers, from 1, in a column <c>draw</c> before the others.</param>
    public void Write(Stream target, ImageRange range, IReadOnlyList<FilledValue> draws)
    {
        ArgumentNullException.ThrowIfNull(draws);
        file.CopyFilled(target, range, columns, draws, decimalSign);
    }
}
