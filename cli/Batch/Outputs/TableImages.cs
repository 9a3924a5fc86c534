using System.Runtime.InteropServices;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Rows of a table in a .csv, a .tsv or a .parquet, in the user's units and categories.</summary>
internal sealed class TableImages(JobPaths paths, OutputImages images) : ImageOutput
{
    private const int RowsAtOnce = 4096;

    private readonly IReadOnlyList<TableColumn> columns = images.Model.Columns;
    private readonly ArrayFile file = new(paths.Array, "<f4", [images.Model.Columns.Count], images.Range, hasNames: false);

    public override IReadOnlyList<ImageRange> Missing => file.Missing;

    public override JobStep Prepare(long first, ReadOnlySpan<float> block)
    {
        int count = block.Length / images.Size;
        var cells = new float[count * columns.Count];
        for (int i = 0; i < cells.Length; i++)
        {
            cells[i] = columns[i % columns.Count].Read(block.Slice(i / columns.Count * images.Size, images.Size));
        }

        TableOutput.Round(columns, cells);
        return new JobStep(count, () => file.Append(MemoryMarshal.AsBytes(cells.AsSpan()), [], first + count));
    }

    public override void Finish()
    {
        if (file.IsFinished)
        {
            return;
        }

        file.FinishAs((array, _, target) =>
        {
            if (paths.Extension == JobPaths.ParquetExtension)
            {
                TableOutput.WriteParquetAsync(target, columns, RowsOf(array)).GetAwaiter().GetResult();
            }
            else
            {
                TableOutput.WriteCsv(target, columns, RowsOf(array), paths.Extension == JobPaths.TsvExtension ? '\t' : ',');
            }
        });
    }

    public override void Dispose()
    {
        file.Dispose();
        base.Dispose();
    }

    private IEnumerable<float[]> RowsOf(GrowingNpy array)
    {
        long all = array.Appended;
        for (long first = 0; first < all; first += RowsAtOnce)
        {
            var cells = new float[Math.Min(RowsAtOnce, all - first) * columns.Count];
            array.Read(first, MemoryMarshal.AsBytes(cells.AsSpan()));
            foreach (float[] row in cells.Chunk(columns.Count))
            {
                yield return row;
            }
        }
    }
}
