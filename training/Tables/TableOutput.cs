using System.Text;
using OnnxVae.Inference;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Training.Tables;

/// <summary>Writes tables.</summary>
public static class TableOutput
{
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

    /// <summary>Writes separated values, in UTF-8, with the names of the columns in the first line; missing values are empty.</summary>
    /// <param name="target">Receives the file.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="rows">The rows, Float32 [D] each: a number, or a category's position, of each column.</param>
    /// <param name="delimiter">What is between the fields of a line.</param>
    public static void WriteCsv(Stream target, IReadOnlyList<TableColumn> columns, IEnumerable<float[]> rows, char delimiter = ',')
    {
        ArgumentNullException.ThrowIfNull(rows);
        using var writer = new StreamWriter(target, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(string.Join(delimiter, columns.Select(column => CellText.Quoted(column.Name, delimiter))));
        foreach (float[] row in rows)
        {
            writer.WriteLine(string.Join(delimiter, columns.Select((column, i) => float.IsNaN(row[i]) ? "" : CellText.Quoted(CellText.Of(column, row[i], '.'), delimiter))));
        }
    }

    /// <summary>Writes an Apache Parquet file: numbers as double, false and true as truth values, other categories as text.</summary>
    /// <param name="target">Receives the file.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="rows">The rows, Float32 [D] each: a number, or a category's position, of each column.</param>
    public static async Task WriteParquetAsync(Stream target, IReadOnlyList<TableColumn> columns, IEnumerable<float[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        DataField[] fields = [.. columns.Select(column => column.Kind == TableColumnKind.Number ? (DataField)new DataField<double>(column.Name, true)
            : column.Categories is ["false", "true"] ? new DataField<bool>(column.Name, true) : new DataField<string>(column.Name))];
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
}
