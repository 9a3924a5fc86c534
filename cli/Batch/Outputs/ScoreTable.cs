using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using OnnxVae.Training.Data;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>A table with the name of each image, its scores, and whether it is an outlier.</summary>
/// <param name="columns">The names of the scores.</param>
/// <param name="limit">The column by which outliers are found, and the largest score that is not an outlier's; null for a table without them.</param>
internal sealed class ScoreTable(IReadOnlyList<string> columns, (int Column, float Largest)? limit)
{
    private const int RowsPerGroup = 16_384;
    private const string Name = "name", Outlier = "outlier";

    /// <summary>Writes comma-separated values, as in RFC 4180, in UTF-8.</summary>
    /// <param name="array">The scores.</param>
    /// <param name="names">The names of the rows.</param>
    /// <param name="target">Receives the file.</param>
    public void WriteCsv(GrowingNpy array, IEnumerable<string> names, Stream target)
    {
        using var writer = new StreamWriter(target, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(string.Join(',', [Name, .. columns, .. limit is null ? [] : (string[])[Outlier]]));
        foreach (var (group, scores) in Groups(array, names))
        {
            for (int i = 0; i < group.Length; i++)
            {
                var row = scores.AsSpan(i * columns.Count, columns.Count).ToArray();
                writer.WriteLine(string.Join(',', [Quoted(group[i]), .. row.Select(score => score.ToString("R", CultureInfo.InvariantCulture)), .. limit is null ? [] : (string[])[IsOutlier(row) ? "true" : "false"]]));
            }
        }
    }

    /// <summary>Writes an Apache Parquet file.</summary>
    /// <inheritdoc cref="WriteCsv"/>
    public async Task WriteParquetAsync(GrowingNpy array, IEnumerable<string> names, Stream target)
    {
        var name = new DataField<string>(Name);
        DataField<float>[] fields = [.. columns.Select(column => new DataField<float>(column))];
        var outlier = limit is null ? null : new DataField<bool>(Outlier);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([name, .. fields, .. outlier is null ? [] : (Field[])[outlier]]), target);
        foreach (var (group, scores) in Groups(array, names))
        {
            using var rowGroup = writer.CreateRowGroup();
            await rowGroup.WriteAsync(name, group);
            for (int column = 0; column < fields.Length; column++)
            {
                await rowGroup.WriteAsync<float>(fields[column], Enumerable.Range(0, group.Length).Select(i => scores[(i * columns.Count) + column]).ToArray());
            }

            if (outlier is not null)
            {
                await rowGroup.WriteAsync<bool>(outlier, Enumerable.Range(0, group.Length).Select(i => IsOutlier(scores.AsSpan(i * columns.Count, columns.Count))).ToArray());
            }
        }
    }

    private IEnumerable<(string[] Names, float[] Scores)> Groups(GrowingNpy array, IEnumerable<string> names)
    {
        long first = 0;
        foreach (string[] group in names.Chunk(RowsPerGroup))
        {
            var scores = new float[group.Length * columns.Count];
            array.Read(first, MemoryMarshal.AsBytes(scores.AsSpan()));
            first += group.Length;
            yield return (group, scores);
        }
    }

    private bool IsOutlier(ReadOnlySpan<float> row) => row[limit!.Value.Column] > limit.Value.Largest;

    private static string Quoted(string name) => name.AsSpan().ContainsAny(",\"") ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name;
}
