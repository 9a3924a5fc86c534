using System.Text;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;
using Parquet;
using Parquet.Schema;

namespace OnnxVae.Tests.Training;

/// <summary>Copies of tables in which only what is missing differs.</summary>
internal sealed class FilledTableTests : TableFixture
{
    [TestCase("utf-16", "\r\n")]
    [TestCase("utf-8", "\n")]
    public void CopyFilled_KeepsEncodingAndLineBreaks(string encoding, string lineBreak)
    {
        string text = $"a,ö{lineBreak}1,x{lineBreak},y{lineBreak}3,x{lineBreak}";
        File.WriteAllText(Folder["a.csv"], text, Encoding.GetEncoding(encoding));
        var table = TableData.Open(Folder["a.csv"], new ImageOptions()).All.Table!;
        using var target = new MemoryStream();

        new FilledTable(Folder["a.csv"], new TableOptions { Table = table }).Write(target, new(0, 3), [(_, _) => 1.5e12f]);

        File.WriteAllText(Folder["b.csv"], text.Replace($"{lineBreak},", $"{lineBreak}1500000000000,"), Encoding.GetEncoding(encoding));
        Assert.That(target.ToArray(), Is.EqualTo(File.ReadAllBytes(Folder["b.csv"])));
    }

    [Test]
    public async Task Parquet_WithOtherColumns_CopiesTimesAndTakesStatedSignsOfMissingNumbers()
    {
        long large = (1L << 53) + 1;
        DataField[] fields = [new DataField<long>("id"), new DataField<DateTime>("time"), new DataField<float>("a", true), new DataField<int>("b", true)];
        await using (var file = File.Create(Folder["a.parquet"]))
        {
            await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. fields]), file);
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<long>(fields[0], new[] { large, large + 1, large + 2 });
            await group.WriteAsync<DateTime>(fields[1], new[] { DateTime.UnixEpoch, DateTime.UnixEpoch, DateTime.UnixEpoch });
            await group.WriteAsync<float>(fields[2], new float?[] { 0.1f, 0.25f, null });
            await group.WriteAsync<int>(fields[3], new int?[] { 5, -9, 6 });
        }

        var reading = new TableOptions { Missing = ["-9"], Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Name, ["time"] = ColumnType.Ignore } };
        var rows = TableData.Open(Folder["a.parquet"], new ImageOptions(), reading).All;
        using (var target = File.Create(Folder["b.parquet"]))
        {
            new FilledTable(Folder["a.parquet"], reading with { Table = rows.Table }).Write(target, new(0, 3), [(_, _) => 0.7f]);
        }

        Assert.That(rows.NameOf(1), Is.EqualTo($"{large + 1}"));
        Assert.That(rows.Table!.Columns[0].Decimals, Is.EqualTo(2));
        Assert.That(Values(rows), Is.EqualTo((float[][])[[0.1f, 5], [0.25f, Nan], [Nan, 6]]));
        await using var reader = await ParquetReader.CreateAsync(Folder["b.parquet"]);
        using var content = reader.OpenRowGroupReader(0);
        var (times, filled) = (new DateTime[3], new int?[3]);
        await content.ReadAsync<DateTime>((DataField)reader.Schema[1], times.AsMemory());
        await content.ReadAsync<int>((DataField)reader.Schema[3], filled.AsMemory());
        Assert.That((times[2], filled), Is.EqualTo((DateTime.UnixEpoch, (int?[])[5, 1, 6])));
    }

    [Test]
    public void CopyFilled_OfWhatTheFileCannotHold_IsExplained()
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        var table = Open("a,b\n1,\"Ž, y\"\n2,x\n").Table!;
        File.WriteAllText(Folder["plain.csv"], "a,b\n1,\n");
        using var target = new MemoryStream();

        Assert.That(
            () => new FilledTable(Folder["plain.csv"], new TableOptions { Table = table, HasQuotes = false }).Write(target, new(0, 1), [(_, _) => 1]),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"The category 'Ž, y' of column 'b' cannot be written into a file like '{Folder["plain.csv"]}', which has ',' between fields and no quotes around them: convert the file to one with quotes."));
        Assert.That(
            () => new FilledTable(Folder["plain.csv"], new TableOptions { Table = table, Encoding = Encoding.Latin1 }).Write(target, new(0, 1), [(_, _) => 1]),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"A category has 'Ž', which iso-8859-1, the encoding of '{Folder["plain.csv"]}', has not: convert the file to UTF-8."));
    }

    [Test]
    public void CopyFilled_LeavesEverythingElseAsItIs()
    {
        const string text = "id;\"a b\";c;note\n007;1,50;\"x;y\";  \"q\"\n008; NA ;\"\";\n009;2,5;z;?\n";
        var table = Open(text, Ignoring("id", "note")).Table!;
        using var target = new MemoryStream();

        new FilledTable(Folder["a.csv"], Ignoring("id", "note") with { Table = table }).Write(target, new(0, 3), [(row, column) => column.Name == "c" ? 0 : row + 0.25f]);

        Assert.That(Encoding.UTF8.GetString(target.ToArray()), Is.EqualTo("id;\"a b\";c;note\n007;1,50;\"x;y\";  \"q\"\n008;1,25;\"x;y\";\n009;2,5;z;?\n"));
    }

    [Test]
    public async Task CopyFilled_OfParquet_KeepsTypesAndOtherColumns()
    {
        await WriteParquet();
        var table = TableData.Open(Folder["a.parquet"], new ImageOptions(), new TableOptions { Types = new Dictionary<string, ColumnType> { ["real"] = ColumnType.Ignore } }).All.Table!;
        using (var target = File.Create(Folder["b.parquet"]))
        {
            new FilledTable(Folder["a.parquet"], new TableOptions { Table = table }).Write(target, new(1, 4), [(_, column) => column.Kind == TableColumnKind.Number ? 2.5f : 1, (_, _) => 0]);
        }

        await using var reader = await ParquetReader.CreateAsync(Folder["b.parquet"]);
        Assert.That(reader.Schema.Fields.Select(field => field.Name), Is.EqualTo((string[])["draw", "whole", "real", "is", "name"]));
        var rows = TableData.Open(Folder["b.parquet"], new ImageOptions(), new TableOptions { Types = new Dictionary<string, ColumnType> { ["draw"] = ColumnType.Ignore, ["real"] = ColumnType.Number } }).All;
        Assert.That(rows.Table!.Columns.Select(column => column.Kind), Is.EqualTo((ColumnKind[])[ColumnKind.Number, ColumnKind.Number, ColumnKind.Binary, ColumnKind.Category]));
        Assert.That(Values(rows), Is.EqualTo((float[][])
        [
            [2, Nan, 0, 0, 1, 0], [3, Nan, 1, 0, 0, 1], [4, 2.5f, 1, 0, 1, 0],
            [0, Nan, 0, 0, 1, 0], [3, Nan, 0, 0, 0, 1], [4, 2.5f, 1, 1, 0, 0],
        ]));
    }
}
