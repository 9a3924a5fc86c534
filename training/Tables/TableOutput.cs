using System.Text;
using OnnxVae.Inference;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Training.Tables;

/// <summary>The value in the place of a missing one: a number, or a category's position.</summary>
/// <param name="row">The row's number, from 0.</param>
/// <param name="column">The column.</param>
public delegate float FilledValue(long row, TableColumn column);

/// <summary>Writes tables.</summary>
public static class TableOutput
{
    /// <summary>The column with the number of a copy, where there are several.</summary>
    internal const string Draw = "draw";

    private const int RowsPerGroup = 16_384;

    /// <summary>Rounds numbers to the decimals of their columns.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="cells">Float32 [N, D]: a number, or a category's position, of each column.</param>
    public static void Round(IReadOnlyList<TableColumn> columns, Span<float> cells)
    {
        ArgumentNullException.ThrowIfNull(columns);
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = columns[i % columns.Count].Decimals is { } decimals ? (float)Math.Round(cells[i], decimals) : cells[i];
        }
    }

    /// <summary>Writes comma-separated values, in UTF-8, with the names of the columns in the first line; missing values are empty.</summary>
    /// <param name="target">Receives the file.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="rows">The rows, Float32 [D] each: a number, or a category's position, of each column.</param>
    public static void WriteCsv(Stream target, IReadOnlyList<TableColumn> columns, IEnumerable<float[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var writer = new StreamWriter(target, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(string.Join(',', columns.Select(column => CellText.Quoted(column.Name, ','))));
        foreach (float[] row in rows)
        {
            writer.WriteLine(string.Join(',', columns.Select((column, i) => float.IsNaN(row[i]) ? "" : CellText.Quoted(CellText.Of(column, row[i], '.'), ','))));
        }
    }

    /// <summary>Writes an Apache Parquet file: numbers as double, categories as text.</summary>
    /// <inheritdoc cref="WriteCsv"/>
    public static async Task WriteParquetAsync(Stream target, IReadOnlyList<TableColumn> columns, IEnumerable<float[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        DataField[] fields = [.. columns.Select(column => column.Kind == TableColumnKind.Number ? (DataField)new DataField<double>(column.Name, true) : new DataField<string>(column.Name))];
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. fields]), target).ConfigureAwait(false);
        foreach (float[][] group in rows.Chunk(RowsPerGroup))
        {
            using var rowGroup = writer.CreateRowGroup();
            for (int i = 0; i < fields.Length; i++)
            {
                await ParquetColumn.WriteAsync(rowGroup, fields[i], [.. group.Select(row => float.IsNaN(row[i]) ? null : ParquetColumn.Convert(ParquetColumn.TypeOf(fields[i]), columns[i], row[i]))]).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Copies rows of a file, with values in the place of missing ones; everything else stays as it is.</summary>
    /// <param name="target">Receives a file of the same format.</param>
    /// <param name="source">A <c>.csv</c>, <c>.tsv</c> or <c>.parquet</c>.</param>
    /// <param name="reading">How it is read, with the columns that are filled.</param>
    /// <param name="range">Which rows.</param>
    /// <param name="draws">The values of each copy of the rows; several copies follow each other, and have their numbers, from 1, in a column <c>draw</c> before the others.</param>
    /// <exception cref="InvalidDataException">The source is damaged, or has a column <c>draw</c> of its own.</exception>
    public static void CopyFilled(Stream target, string source, TableOptions reading, ImageRange range, IReadOnlyList<FilledValue> draws)
    {
        ArgumentNullException.ThrowIfNull(reading);
        ArgumentNullException.ThrowIfNull(draws);
        var table = reading.Table ?? throw new ArgumentException("The columns that are filled are not given.", nameof(reading));
        var file = TableFiles.Open(source, reading);
        if (draws.Count > 1 && file.Columns.Contains(Draw))
        {
            throw new InvalidDataException($"'{source}' has a column '{Draw}', which several copies of its rows need for their numbers: rename it, or ask for one.");
        }

        file.CopyFilled(
            target, range, [.. file.Columns.Select(name => table.Columns.FirstOrDefault(column => column.Name == name) is { } found ? TableRows.ToColumn(found) : null)], draws,
            reading.DecimalSign ?? TableFiles.DecimalSignOf(file, table));
    }
}
