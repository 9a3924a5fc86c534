using System.Runtime.InteropServices;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>The file of a table, with values in the place of missing ones.</summary>
internal sealed class ImputedOutput : IDisposable
{
    private const int FewEffective = 10;

    private readonly ArrayFile file; // of cells, [N, max(1, M), D]
    private readonly IReadOnlyList<TableColumn> columns;
    private readonly FilledTable table;
    private readonly ImageRange range;
    private readonly int draws;

    /// <param name="paths">Where to write.</param>
    /// <param name="columns">The columns of the model.</param>
    /// <param name="table">The file.</param>
    /// <param name="range">The numbers of this shard's rows.</param>
    /// <param name="draws">M, how many rows are drawn for each; 0 to take means.</param>
    public ImputedOutput(JobPaths paths, IReadOnlyList<TableColumn> columns, FilledTable table, ImageRange range, int draws)
    {
        (this.columns, this.table, this.range, this.draws) = (columns, table, range, draws);
        file = new ArrayFile(paths.Array, "<f4", [Math.Max(1, draws), columns.Count], range, hasNames: false);
    }

    /// <summary>The rows that have not been written yet.</summary>
    public IReadOnlyList<ImageRange> Missing => file.Missing;

    /// <summary>Missing values of the rows that were filled now, and rows whose samples are worth few draws.</summary>
    public (long Values, long Doubtful) Filled { get; private set; }

    /// <summary>Does the work that can be done out of order; called from several threads.</summary>
    /// <param name="first">The number of the first row.</param>
    /// <param name="rows">The rows.</param>
    /// <returns>The work that remains to be done in order.</returns>
    public JobStep Prepare(long first, ImputedRows rows)
    {
        int size = rows.Mean.Length / rows.Count, copies = Math.Max(1, draws);
        var cells = new float[rows.Count * copies * columns.Count];
        long values = 0, doubtful = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            doubtful += rows.EffectiveSamples[row] < FewEffective ? 1 : 0;
            values += columns.Count(column => rows.IsMissing(row, column));
            for (int copy = 0; copy < copies; copy++)
            {
                var vector = (draws == 0 ? rows.Mean : rows.Draw(copy)).Slice(row * size, size);
                for (int i = 0; i < columns.Count; i++)
                {
                    cells[(((row * copies) + copy) * columns.Count) + i] = columns[i].Read(vector);
                }
            }
        }

        if (draws > 0)
        {
            TableOutput.Round(columns, cells);
        }

        return new JobStep(rows.Count, () =>
        {
            Filled = (Filled.Values + values, Filled.Doubtful + doubtful);
            file.Append(MemoryMarshal.AsBytes(cells.AsSpan()), [], first + rows.Count);
        });
    }

    /// <summary>Writes the table under its final name.</summary>
    public void Finish()
    {
        if (!file.IsFinished)
        {
            file.FinishAs((array, _, target) =>
            {
                var cells = new FilledCells(array, columns, range.First);
                table.Write(target, range, [.. Enumerable.Range(0, Math.Max(1, draws)).Select<int, FilledValue>(draw => (row, column) => cells.ValueOf(row, draw, column))]);
            });
        }
    }

    public void Dispose() => file.Dispose();

    // The cells of all copies, which are asked for copy by copy, in the order of the rows.
    private sealed class FilledCells(GrowingNpy array, IReadOnlyList<TableColumn> columns, long firstRow)
    {
        private const int ValuesAtOnce = 1 << 20;

        private readonly Dictionary<string, int> positions = columns.Index().ToDictionary(column => column.Item.Name, column => column.Index);
        private float[] cells = [];
        private long first = -1;

        public float ValueOf(long row, int draw, TableColumn column)
        {
            int rowSize = array.RowSize / sizeof(float);
            if (first < 0 || row < first || row >= first + (cells.Length / rowSize))
            {
                first = row;
                cells = new float[Math.Min(Math.Max(1, ValuesAtOnce / rowSize), array.Appended - (row - firstRow)) * rowSize];
                array.Read(row - firstRow, MemoryMarshal.AsBytes(cells.AsSpan()));
            }

            return cells[((row - first) * rowSize) + (draw * columns.Count) + positions[column.Name]];
        }
    }
}
