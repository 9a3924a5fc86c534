using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Tests.Training;

/// <summary>Tests that write tables into their folder.</summary>
internal abstract class TableFixture : FolderFixture
{
    private protected const float Nan = float.NaN;

    private protected static TableOptions Ignoring(params string[] columns) => new() { Types = columns.ToDictionary(column => column, _ => ColumnType.Ignore) };

    private protected static float[][] Values(ImageSource rows)
    {
        var values = new float[rows.ImageSize];
        return [.. Enumerable.Range(0, (int)rows.Count).Select(i =>
        {
            rows.ReadValues(i, values);
            return values.ToArray();
        })];
    }

    private protected async Task WriteParquet()
    {
        DataField[] fields = [new DataField<int>("whole", true), new DataField<double>("real", true), new DataField<bool>("is", true), new DataField<string>("name")];
        await using var file = File.Create(Folder["a.parquet"]);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. fields]), file);
        using var group = writer.CreateRowGroup();
        await group.WriteAsync<int>(fields[0], new int?[] { 1, null, 3, 4 });
        await group.WriteAsync<double>(fields[1], new double?[] { 0.25, double.NaN, null, 2.5 });
        await group.WriteAsync<bool>(fields[2], new bool?[] { true, false, null, true });
        await group.WriteAsync(fields[3], ["NA", "b", "c", null!]);
    }

    private protected ImageSource Open(string text, TableOptions? reading = null) => Open(text, reading, out _);

    private protected ImageSource Open(string text, TableOptions? reading, out ImageData data)
    {
        File.WriteAllText(Folder["a.csv"], text);
        data = TableData.Open(Folder["a.csv"], new ImageOptions(), reading);
        return data.All;
    }
}
