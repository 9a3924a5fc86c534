using System.Globalization;
using OnnxVae.Format;
using OnnxVae.Inference;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Training.Tables;

/// <summary>An Apache Parquet file.</summary>
internal sealed class ParquetFile : ITableFile
{
    private readonly HashSet<string> missing;
    private readonly ParquetSchema schema;

    /// <param name="path">The file.</param>
    /// <param name="options">How it is read.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public ParquetFile(string path, TableOptions options)
    {
        (Path, missing) = (path, [.. options.Missing ?? []]);
        schema = Reading(reader => Task.FromResult(reader.Schema));
        Columns = [.. schema.Fields.Select(field => field.Name)];
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Columns { get; }

    /// <inheritdoc/>
    public string Locate(long place) => $"row {place} of '{Path}'";

    /// <inheritdoc/>
    public long Read(IReadOnlyList<ICells?> wanted) => Reading(async reader =>
    {
        long rows = 0;
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using var content = reader.OpenRowGroupReader(group);
            for (int i = 0; i < wanted.Count; i++)
            {
                if (wanted[i] is { } cells)
                {
                    var values = await ParquetColumn.ReadAsync(content, FieldOf(i)).ConfigureAwait(false);
                    for (int row = 0; row < values.Length; row++)
                    {
                        Add(values.GetValue(row), cells, rows + row);
                    }
                }
            }

            rows += content.RowCount;
        }

        return rows;
    });

    /// <inheritdoc/>
    public void CopyFilled(Stream target, ImageRange range, IReadOnlyList<TableColumn?> columns, IReadOnlyList<FilledValue> draws, char decimalSign)
    {
        DataField[] fields = [.. columns.Select((column, i) => FilledField(FieldOf(i), column))];
        DataField<int>[] leading = draws.Count > 1 ? [new DataField<int>(TableOutput.Draw)] : [];
        Reading(async reader =>
        {
            await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. leading, .. fields]), target).ConfigureAwait(false);
            for (int draw = 0; draw < draws.Count; draw++)
            {
                long first = 0;
                for (int group = 0; group < reader.RowGroupCount; group++)
                {
                    using var content = reader.OpenRowGroupReader(group);
                    int start = (int)Math.Clamp(range.First - first, 0, content.RowCount), end = (int)Math.Clamp(range.End - first, 0, content.RowCount);
                    if (end > start)
                    {
                        using var rows = writer.CreateRowGroup();
                        if (leading.Length > 0)
                        {
                            await ParquetColumn.WriteAsync(rows, leading[0], [.. Enumerable.Repeat((object)(draw + 1), end - start)]).ConfigureAwait(false);
                        }

                        for (int i = 0; i < fields.Length; i++)
                        {
                            var values = await ParquetColumn.ReadAsync(content, FieldOf(i)).ConfigureAwait(false);
                            await ParquetColumn.WriteAsync(rows, fields[i], [.. Enumerable.Range(start, end - start).Select(row => Filled(values.GetValue(row), columns[i], fields[i], first + row, draws[draw]))]).ConfigureAwait(false);
                        }
                    }

                    first += content.RowCount;
                }
            }

            return true;
        });
    }

    // Filled whole numbers may have decimals.
    private static DataField FilledField(DataField field, TableColumn? column) =>
        column is { Kind: TableColumnKind.Number } && field.IsNullable && field.ClrType != typeof(float) ? new DataField<double>(field.Name, true) : field;

    private object? Filled(object? value, TableColumn? column, DataField field, long row, FilledValue filled) =>
        column is not null && IsMissing(value) ? ParquetColumn.Convert(ParquetColumn.TypeOf(field), column, filled(row, column))
        : value is null ? null
        : ParquetColumn.TypeOf(field) == value.GetType() ? value : Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private bool IsMissing(object? value) => value switch
    {
        null or double.NaN or float.NaN => true,
        string text => missing.Contains(text),
        _ => false,
    };

    private void Add(object? value, ICells cells, long row)
    {
        if (IsMissing(value))
        {
            cells.AddMissing();
        }
        else if (value is string or bool)
        {
            cells.Add(ParquetColumn.TextOf(value), row);
        }
        else
        {
            cells.Add(Convert.ToDouble(value, CultureInfo.InvariantCulture), row);
        }
    }

    private DataField FieldOf(int column) => schema.Fields[column] is DataField { IsArray: false } field && ParquetColumn.Types.Contains(ParquetColumn.TypeOf(field)) ? field : throw new InvalidDataException(
        $"Column '{Columns[column]}' of '{Path}' holds {(schema.Fields[column] is DataField other ? $"values of type {other.ClrType.Name}" : "nested values")}; expected numbers, truth values or text. Leave the column out.");

    private T Reading<T>(Func<ParquetReader, Task<T>> read)
    {
        using var content = RegularFile.Open(Path);
        try
        {
            return Task.Run(async () =>
            {
                await using var reader = await ParquetReader.CreateAsync(content, leaveStreamOpen: true).ConfigureAwait(false);
                return await read(reader).ConfigureAwait(false);
            }).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not (InvalidDataException or OperationCanceledException))
        {
            throw new InvalidDataException($"'{Path}' is not a .parquet that can be read: {e.Message.Trim().TrimEnd('.')}. Write it again.", e);
        }
    }
}
