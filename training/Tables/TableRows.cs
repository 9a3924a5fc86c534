using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;

namespace OnnxVae.Training.Tables;

/// <summary>The rows of a table in memory, as vectors.</summary>
internal sealed class TableRows : ImageSource
{
    private const int BitsOfReals = 32;

    private readonly IReadOnlyList<TableColumn> columns;
    private readonly float[] cells; // [N, D]
    private readonly IReadOnlyList<string>? names;

    /// <param name="table">The columns.</param>
    /// <param name="values">The cells of each column.</param>
    /// <param name="names">The rows' names; null for their numbers.</param>
    public TableRows(TableSpec table, IReadOnlyList<IReadOnlyList<float>> values, IReadOnlyList<string>? names)
    {
        (Table, this.names, columns) = (table, names, [.. table.Columns.Select(ToColumn)]);
        (Shape, Count) = (new ExampleShape(table.Width), values[0].Count);
        cells = Count * columns.Count <= Array.MaxLength ? new float[Count * columns.Count]
            : throw new InvalidDataException($"The table has {Count} rows of {columns.Count} columns; expected at most {Array.MaxLength} values. Take some of the rows.");
        for (int column = 0; column < columns.Count; column++)
        {
            for (int row = 0; row < Count; row++)
            {
                cells[((long)row * columns.Count) + column] = values[column][row];
            }
        }
    }

    /// <inheritdoc/>
    public override TableSpec Table { get; }

    /// <inheritdoc/>
    public override long Count { get; }

    /// <inheritdoc/>
    public override ExampleShape Shape { get; }

    /// <inheritdoc/>
    public override int BitDepth => BitsOfReals;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => throw new InvalidOperationException("The examples are rows of a table, not pixels.");

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        for (int i = 0; i < columns.Count; i++)
        {
            columns[i].Write(cells[(index * columns.Count) + i], values);
        }
    }

    /// <inheritdoc/>
    public override bool HasNames => names is not null;

    /// <inheritdoc/>
    public override string NameOf(long index) => names?[(int)index] ?? base.NameOf(index);

    /// <summary>A column as exported files describe it.</summary>
    public static TableColumn ToColumn(ColumnSpec column) => new(column.Name, (TableColumnKind)column.Kind, column.Categories, column.Start) { Decimals = column.Decimals };
}
