using System.Runtime.InteropServices;
using OnnxVae.Training.Data;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Latents as an Apache Parquet file: a column of names, and a column of lists of Float32 for each part of a row.</summary>
internal static class LatentParquet
{
    private const int RowsPerGroup = 16_384;

    /// <summary>Writes a file.</summary>
    /// <param name="target">Receives it.</param>
    /// <param name="array">The rows.</param>
    /// <param name="names">A name for each row.</param>
    /// <param name="columns">The names of the parts of a row, all of the same length.</param>
    public static async Task WriteAsync(Stream target, GrowingNpy array, IEnumerable<string> names, IReadOnlyList<string> columns)
    {
        var name = new DataField<string>("name");
        ListField[] lists = [.. columns.Select(column => new ListField(column, new DataField<float>("element")))];
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([name, .. lists]), target);
        long first = 0;
        foreach (string[] group in names.Chunk(RowsPerGroup))
        {
            int width = array.RowSize / sizeof(float) / lists.Length;
            var rows = new float[group.Length * width * lists.Length];
            array.Read(first, MemoryMarshal.AsBytes(rows.AsSpan()));
            using var rowGroup = writer.CreateRowGroup();
            await rowGroup.WriteAsync(name, group);
            for (int part = 0; part < lists.Length; part++)
            {
                var element = (DataField)lists[part].Item;
                var values = new float[group.Length * width];
                var (definitions, repetitions) = (new int[values.Length], new int[values.Length]);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = rows[((((i / width) * lists.Length) + part) * width) + (i % width)];
                    (definitions[i], repetitions[i]) = (element.MaxDefinitionLevel, i % width == 0 ? 0 : element.MaxRepetitionLevel);
                }

                await rowGroup.WriteAllPartsAsync<float>(element, values, definitions, repetitions, CancellationToken.None);
            }

            first += group.Length;
        }
    }
}
