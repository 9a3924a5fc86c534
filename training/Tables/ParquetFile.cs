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
                    var values = await ReadAsync(content, FieldOf(i)).ConfigureAwait(false);
                    for (int row = 0; row < values.Length; row++)
                    {
                        Add(values.GetValue(row), cells, rows + row + 1);
                    }
                }
            }

            rows += content.RowCount;
        }

        return rows;
    });

    /// <inheritdoc/>
    public void RequireCopyable()
    {
        for (int i = 0; i < Columns.Count; i++)
        {
            CopiedField(i);
        }
    }

    /// <inheritdoc/>
    public void CopyFilled(Stream target, ImageRange range, IReadOnlyList<TableColumn?> columns, IReadOnlyList<FilledValue> draws, char decimalSign)
    {
        DataField[] fields = [.. columns.Select((_, i) => CopiedField(i))];
        DataField<int>[] leading = draws.Count > 1 ? [new DataField<int>(FilledTable.Draw)] : [];
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
                            var values = await ReadAsync(content, CopiedField(i)).ConfigureAwait(false);
                            await ParquetColumn.WriteAsync(rows, fields[i], [.. Enumerable.Range(start, end - start).Select(row => Filled(values.GetValue(row), columns[i], fields[i], first + row, draws[draw], decimalSign))]).ConfigureAwait(false);
                        }
                    }

                    first += content.RowCount;
                }
            }

            return true;
        });
    }

    private object? Filled(object? value, TableColumn? column, DataField field, long row, FilledValue filled, char decimalSign) =>
        column is not null && IsMissing(value) ? ParquetColumn.Convert(ParquetColumn.TypeOf(field), column, filled(row, column), decimalSign) : value;

    private bool IsMissing(object? value) => value is null or double.NaN or float.NaN || (missing.Count > 0 && missing.Contains(ParquetColumn.TextOf(value)));

    // Whole numbers as text, since a double does not hold all of them.
    private void Add(object? value, ICells cells, long place)
    {
        if (IsMissing(value))
        {
            cells.AddMissing();
        }
        else if (value is float or double or decimal)
        {
            cells.Add(double.Parse(ParquetColumn.TextOf(value), CultureInfo.InvariantCulture), place);
        }
        else
        {
            cells.Add(ParquetColumn.TextOf(value!), place);
        }
    }

    private DataField FieldOf(int column) => schema.Fields[column] is DataField { IsArray: false } field && ParquetColumn.IsReadable(field) ? field
        : throw new InvalidDataException($"Column '{Columns[column]}' of '{Path}' holds {TypeOf(column)}; expected numbers, truth values or text. Leave the column out.");

    private DataField CopiedField(int column) => schema.Fields[column] is DataField { IsArray: false } field && ParquetColumn.IsCopyable(field) ? field
        : throw new InvalidDataException($"Column '{Columns[column]}' of '{Path}' holds {TypeOf(column)}, which cannot be copied; expected numbers, truth values, text or times. Take the column out of the file.");

    private string TypeOf(int column) => schema.Fields[column] is DataField { IsArray: false } field ? $"values of type {field.ClrType.Name}" : "nested values";

    private T Reading<T>(Func<ParquetReader, Task<T>> read)
    {
        using var content = RegularFile.Open(Path);
        return Task.Run(async () =>
        {
            await using var reader = await GuardedAsync(async () => await ParquetReader.CreateAsync(content, leaveStreamOpen: true).ConfigureAwait(false)).ConfigureAwait(false);
            return await read(reader).ConfigureAwait(false);
        }).GetAwaiter().GetResult();
    }

    private Task<Array> ReadAsync(ParquetRowGroupReader rows, DataField field) => GuardedAsync(() => ParquetColumn.ReadAsync(rows, field));

    private async Task<T> GuardedAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (InvalidDataException or OperationCanceledException))
        {
            throw new InvalidDataException($"'{Path}' is not a .parquet that can be read: {e.Message.Trim().TrimEnd('.')}. Write it again.", e);
        }
    }
}
