using System.Text;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Tests.Training;

/// <summary>Reading tables.</summary>
internal sealed class TableDataTests : TableFixture
{
    [Test]
    public void Columns_AreToldByTheirValues()
    {
        var table = Open("""
            age,weight,code,is,answer,color,year
            41,1.25,1e3,0,no,red,1999
            38,,2,1,yes,green,2001
            NA,70,3,0,yes,,1999
            12,1.5,3,?,no,green,2001
            7,2,4,1,no,blue,2001
            """).Table!;

        Assert.That(table.Columns.Select(column => (column.Name, column.Kind, column.Decimals, string.Join('|', column.Categories))), Is.EqualTo(new (string, ColumnKind, int?, string)[]
        {
            ("age", ColumnKind.Number, 0, ""), ("weight", ColumnKind.Number, 2, ""), ("code", ColumnKind.Number, null, ""), ("is", ColumnKind.Binary, null, "0|1"),
            ("answer", ColumnKind.Binary, null, "no|yes"), ("color", ColumnKind.Category, null, "blue|green|red"), ("year", ColumnKind.Number, 0, ""),
        }));
    }

    [Test]
    public void Rows_AreVectorsInTheTablesLayout()
    {
        var rows = Open("color,age,answer\nred,41,no\n,NA,yes\nblue,7,?\ngreen,9,no\n");

        Assert.That((rows.Count, rows.Shape.ToString(), rows.IsReal, rows.IsUnitRange), Is.EqualTo((4L, "5", true, false)));
        Assert.That(Values(rows), Is.EqualTo((float[][])[[41, 0, 0, 0, 1], [Nan, 1, Nan, Nan, Nan], [7, Nan, 1, 0, 0], [9, 0, 0, 1, 0]])); // age, answer, blue, green, red
    }

    [TestCase("a;b\n1,5;x\n2,25;y\n", 1.5f, 2.25f, TestName = "semicolons and decimal commas")]
    [TestCase("a\tb\n1.5\tx\n2.25\ty\n", 1.5f, 2.25f, TestName = "tabs")]
    [TestCase("a|b\n1.5|x\n2.25|y\n", 1.5f, 2.25f, TestName = "bars")]
    [TestCase("a,b\r\n1.5,x\r\n\r\n2.25,y", 1.5f, 2.25f, TestName = "CRLF, an empty line, no line break at the end")]
    [TestCase("a,b\n\"1,5\",\"x\"\n\"2,25\",\"y\"\n", 1.5f, 2.25f, TestName = "quoted decimal commas")]
    [TestCase("a, b\n 1.5 , x\n 2.25,y \n", 1.5f, 2.25f, TestName = "spaces around fields")]
    [TestCase("a,b\n-1.5e2,\"x\"\"\n, 1\"\n+.25,y\n", -150f, 0.25f, TestName = "quotes and line breaks in fields, signs and exponents")]
    public void Dialects_AreToldByTheFile(string text, float first, float second)
    {
        var rows = Open(text);

        Assert.That(Values(rows).Select(row => row[0]), Is.EqualTo((float[])[first, second]));
        Assert.That(rows.Table!.Columns[1].Name, Is.EqualTo("b"));
        Assert.That(rows.Table.Columns[1].Categories, Has.Count.EqualTo(2).And.Some.EqualTo("y"));
    }

    [Test]
    public void Dialects_CanBeStated()
    {
        var options = new TableOptions { Delimiter = 'x', DecimalSign = ',', HasHeader = false, HasQuotes = false, Missing = ["-9", "none"] };

        var rows = Open("1,5x\"ax3\n-9xnonex4\n2xbx5\n7x\"ax6", options);

        Assert.That(rows.Table!.Columns.Select(column => column.Name), Is.EqualTo((string[])["c1", "c2", "c3"]));
        Assert.That(rows.Table.Columns[1].Categories, Is.EqualTo((string[])["\"a", "b"]));
        Assert.That(Values(rows), Is.EqualTo((float[][])[[1.5f, 3, 0], [Nan, 4, Nan], [2, 5, 1], [7, 6, 0]]));
    }

    [TestCase("utf-8", true)]
    [TestCase("utf-16", true)]
    [TestCase("windows-1252", false)]
    [TestCase("latin1", false)]
    public void Encodings_ByMarkOrByName(string name, bool isMarked)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        var encoding = Encoding.GetEncoding(name);
        File.WriteAllText(Folder["a.csv"], "a,Größe\nä,1\nö,2\n", encoding);

        var table = TableData.Open(Folder["a.csv"], new ImageOptions(), new TableOptions { Encoding = isMarked ? null : encoding }).All.Table!;

        Assert.That((table.Columns[1].Name, table.Columns[0].Categories[1]), Is.EqualTo(("Größe", "ö")));
    }

    [Test]
    public void Types_CanBeStated()
    {
        var options = new TableOptions
        {
            Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Name, ["zip"] = ColumnType.Category, ["note"] = ColumnType.Ignore, ["is"] = ColumnType.Number, ["pair"] = ColumnType.Binary },
        };

        var rows = Open("id,zip,note,is,pair\na,01,x,0,5\nb,10,y,1,6\nc,2,z,0,5\n", options);

        Assert.That(rows.Table!.Columns.Select(column => (column.Name, column.Kind, string.Join('|', column.Categories))), Is.EqualTo(new[]
        {
            ("zip", ColumnKind.Category, "01|2|10"), ("is", ColumnKind.Number, ""), ("pair", ColumnKind.Binary, "5|6"),
        }));
        Assert.That(Enumerable.Range(0, 3).Select(i => rows.NameOf(i)), Is.EqualTo((string[])["a", "b", "c"]));
    }

    [Test]
    public async Task Parquet_HasTheTypesOfItsColumns()
    {
        await WriteParquet();

        var rows = TableData.Open(Folder["a.parquet"], new ImageOptions()).All;

        Assert.That(rows.Table!.Columns.Select(column => (column.Name, column.Kind, column.Decimals, string.Join('|', column.Categories))), Is.EqualTo(new (string, ColumnKind, int?, string)[]
        {
            ("whole", ColumnKind.Number, 0, ""), ("real", ColumnKind.Number, 2, ""), ("is", ColumnKind.Binary, null, "false|true"), ("name", ColumnKind.Category, null, "NA|b|c"),
        }));
        Assert.That(Values(rows), Is.EqualTo((float[][])[[1, 0.25f, 1, 1, 0, 0], [Nan, Nan, 0, 0, 1, 0], [3, Nan, Nan, 0, 0, 1], [4, 2.5f, 1, Nan, Nan, Nan]]));
    }

    [Test]
    public void Folder_HasSplitsByTheNamesOfFiles_AndColumnsInAnyOrder()
    {
        File.WriteAllText(Folder["train.csv"], "a,b,c\n1,x,u\n2,y,v\n3,x,u\n");
        File.WriteAllText(Folder["test.tsv"], "b\ta\textra\tc\nz\t4\t0\tv\n");
        File.WriteAllText(Folder["my-validation.csv"], "b,c,a\nx,v,5\ny,u,6\n");

        Assert.That(TableData.IsOne(Folder.Path));
        var data = TableData.Open(Folder.Path, new ImageOptions());

        Assert.That((data.Train.Count, data.Validation!.Count, data.Test.Count), Is.EqualTo((3L, 2L, 1L)));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 column (not in all files)"]));
        Assert.That(data.Train.Table!.Columns.Single(column => column.Name == "b").Categories, Is.EqualTo((string[])["x", "y", "z"]), "those of all splits");
        Assert.That(Values(data.Test), Is.EqualTo((float[][])[[4, 1, 0, 0, 1]]));
    }

    // Joined examples that have only a number for a name are numbered through; rows keep names that are numbers.
    [Test]
    public void Folder_OfSeveralFiles_KeepsTheNamesOfRows()
    {
        File.WriteAllText(Folder["1.csv"], "id,a\n1000,1\n1001,2\n");
        File.WriteAllText(Folder["2.csv"], "id,a\n7,3\n,4\n");

        var rows = TableData.Open(Folder.Path, new ImageOptions(), new TableOptions { Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Name } }).All;

        Assert.That(Enumerable.Range(0, 4).Select(i => rows.NameOf(i)), Is.EqualTo((string[])["1000", "1001", "7", ""]));
    }

    [Test]
    public void Message_OfASecondFile_NamesIt()
    {
        File.WriteAllText(Folder["1.csv"], $"a,b\n{string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},{(i % 2 == 0 ? "x" : "y")}\n"))}");
        File.WriteAllText(Folder["2.csv"], "a,b\n5,x\nbad,y\n");

        Assert.That(() => TableData.Open(Folder.Path, new ImageOptions()), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"Column 'a' holds numbers, but 'bad' in line 3 of '{Folder["2.csv"]}' is not one."));
    }

    [TestCase("a,b\n\"1,234\",x\n\"2,500\",y\n", true)]
    [TestCase("a,b\n\"1,234\",x\n\"2,5\",y\n", false)]
    [TestCase("a,b\n\"0,234\",x\n\"2,500\",y\n", false)]
    [TestCase("a;b\n1,234;x\n2,500;y\n", false)]
    public void Commas_ThatMaySeparateThousands_AreAskedAbout(string text, bool isRefused)
    {
        if (isRefused)
        {
            Assert.That(() => Open(text), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("Column 'a' has numbers like '1,234', whose comma may separate decimals or thousands: say which is the decimal sign, and write thousands without a sign."));
        }

        Assert.That(Values(Open(text, new TableOptions { DecimalSign = isRefused ? ',' : null }))[0][0], Is.InRange(0.2f, 1.3f));
    }

    // Folders of anything else are not tables.
    [Test]
    public void Folder_WithImages_IsNotATable()
    {
        File.WriteAllText(Folder["labels.csv"], "a\n1\n");
        File.WriteAllText(Folder["1.png"], "");

        Assert.That(TableData.IsOne(Folder.Path), Is.False);
    }

    [Test]
    public void Model_TakesItsColumnsInAnyOrder_AndKnowsItsCategories()
    {
        var table = Open("a,b,c\n1,x,0\n2,y,1\n3,z,0\n").Table!;

        var rows = Open("more,c,b,a\nq,1.0,z,4\nr,0,,5\n", new TableOptions { Table = table }, out var data);

        Assert.That(Values(rows), Is.EqualTo((float[][])[[4, 1, 0, 0, 1], [5, 0, Nan, Nan, Nan]]));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["1 column (not of the model)"]));
        Assert.That(Open("a,b,c\n1,x,0\n", new TableOptions { Table = table }).Count, Is.EqualTo(1), "one row is enough");
    }

    [TestCase("", "'{0}' is empty, or not a regular file.")]
    [TestCase("\n1\n", "The first line of '{0}' has no name for column 1: add one, or say that the file has no line of names.")]
    [TestCase("a,b\n", "'{0}' has no rows; expected 2 or more to learn from.")]
    [TestCase("a,b\n1,2\n", "'{0}' has 1 row; expected 2 or more to learn from.")]
    [TestCase("a,,b\n1,2,3\n4,5,6\n", "The first line of '{0}' has no name for column 2: add one, or say that the file has no line of names.")]
    [TestCase("a,b,a\n1,2,3\n4,5,6\n", "The first line of '{0}' has the name 'a' twice: rename a column, or say that the file has no line of names.")]
    [TestCase("a,b\n1,2\n\n3,4,5\n", "In line 4 of '{0}' there are 3 fields; expected 2, as in the first line. Mend the line, or leave malformed lines out.")]
    [TestCase("a,b\n1,x\n3\n", "In line 3 of '{0}' there is 1 field; expected 2, as in the first line. Mend the line, or leave malformed lines out.")]
    [TestCase("a,b\n1,x\n2,y\n\"3,z\n4,x\n", "In line 4 of '{0}', the field that begins with '\"3,z' has a quote inside, or none at its end; quotes enclose whole fields, and are doubled in them. Mend the line, or say that quotes are text.")]
    [TestCase("a,b\n1,x\n2,x\n", "Column 'b' of '{0}' is 'x' in all rows: nothing can be learned from it. Leave the column out.")]
    [TestCase("a,b\n7,x\n7,y\n", "Column 'a' of '{0}' is '7' in all rows: nothing can be learned from it. Leave the column out.")]
    [TestCase("a,b\n1.0,x\n1,y\n", "Column 'a' of '{0}' is '1.0' in all rows: nothing can be learned from it. Leave the column out.")]
    [TestCase("1,2\n3,4\n5,6\n", "The first line of '{0}' has numbers, such as '1'; expected the names of columns: add a line of them, or say that the file has no line of names.")]
    [TestCase("a,b\n1,x\n2,5\" pipe\n3,6\" pipe\n4,y\n", "In line 3 of '{0}', the field that begins with '5\" pipe' has a quote inside, or none at its end; quotes enclose whole fields, and are doubled in them. Mend the line, or say that quotes are text.")]
    [TestCase("a,b\n1,\"x\" y\n2,z\n", "In line 2 of '{0}', the field that begins with '\"x\" y' has a quote inside, or none at its end; quotes enclose whole fields, and are doubled in them. Mend the line, or say that quotes are text.")]
    [TestCase("a,b\n1,\n2,NA\n", "Column 'b' of '{0}' has no values: nothing can be learned from it. Leave the column out.")]
    [TestCase("a,b\n1,x\n2,y\n3,x\n4,x\n5,x\n6,x\n7,x\n8,x\n9,x\n1O,x\n", "Column 'a' holds numbers, but '1O' in line 11 of '{0}' is not one. Mend it, say what stands for a missing value, or take the column for categories.")]
    [TestCase("a;b\n1,5;2.5\n2;3\n", "The numbers of column 'b' have decimal points, those of column 'a' commas: say which is the decimal sign.")]
    [TestCase("a,b\n1,x\ninf,y\n", "In line 3 of '{0}', column 'a' is Infinity; expected a finite number that float32 can hold, or nothing for a missing one.")]
    public void Tables_ThatCannotBeUsed_AreExplained(string text, string message) =>
        Assert.That(() => Open(text), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(string.Format(message, Folder["a.csv"])));

    [TestCase("id", ColumnType.Number, "In line 2 of '{0}', column 'id' is 'r'; expected a number with the decimal sign '.', or nothing for a missing one. Mend it, say what stands for a missing value, or take the column for categories.")]
    [TestCase("b", ColumnType.Binary, "Column 'b' of '{0}' has 3 different values, '1', '2', '3'; expected 2 of a binary one. Take it for another type.")]
    [TestCase("z", ColumnType.Ignore, "'{0}' has no column 'z', of which a type is given; it has id, b.")]
    public void Types_ThatDoNotFit_AreExplained(string column, ColumnType type, string message) => Assert.That(
        () => Open("id,b\nr,1\ns,2\nr,3\n", new TableOptions { Types = new Dictionary<string, ColumnType> { [column] = type } }),
        Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(string.Format(message, Folder["a.csv"])));

    [TestCase("a,b,c\n1,purple,0\n", "In line 2 of '{0}', column 'b' is 'purple', but the categories are 'x', 'y', 'z'. Mend it, or leave it empty, as missing.")]
    [TestCase("a,c\n1,0\n", "'{0}' has no column 'b', which the model takes; it has a, c.")]
    [TestCase("c\n1\n", "'{0}' has no columns 'a', 'b', which the model takes; it has c.")]
    [TestCase("a,b,c\n1.5,x,0\noops,y,1\n", "In line 3 of '{0}', column 'a' is 'oops'; expected a number with the decimal sign '.', or nothing for a missing one. Mend it, or say what stands for a missing value.")]
    [TestCase("a,b,c,note\n1.5,x,0,5\" pipe\n2.5,y,1,y\n3.5,y,1,6\" pipe\n", "In line 2 of '{0}', the field that begins with '5\" pipe' has a quote inside, or none at its end; quotes enclose whole fields, and are doubled in them. Mend the line, or say that quotes are text.")]
    public void Tables_ThatDoNotFitAModel_AreExplained(string text, string message)
    {
        var table = Open("a,b,c\n1,x,0\n2,y,1\n3,z,0\n").Table!;

        Assert.That(() => Open(text, new TableOptions { Table = table }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(string.Format(message, Folder["a.csv"])));
    }

    [Test]
    public void Columns_OfTooManyCategories_AreExplained()
    {
        string text = $"a,id\n{string.Concat(Enumerable.Range(0, 3003).Select(i => $"{i},r{i % 1001}\n"))}";

        Assert.That(() => Open(text), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"Column 'id' of '{Folder["a.csv"]}' has more than 1000 categories, such as 'r0', 'r1', 'r10', 'r100', 'r1000', 'r101'. They are not numbers, as 'r0' in line 2 of '{Folder["a.csv"]}' shows. Leave the column out, name the rows by it, or say what it holds, or what stands for a missing value."));
        Assert.That(Open(text, new TableOptions { Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Category } }).Shape.Dimensions, Is.EqualTo(1002));
        Assert.That(() => Open($"a,id\n{string.Concat(Enumerable.Range(0, 30).Select(i => $"{i},r{i}\n"))}"), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"Column 'id' of '{Folder["a.csv"]}' has 30 different values in 30 rows, such as 'r0', 'r1', 'r10', 'r11', 'r12', 'r13', which are not numbers. Leave the column out, name the rows by it, or say what it holds, or what stands for a missing value."));
    }

    [Test]
    public void TruthValuesAndBits_AreTheSameHoweverTheyAreWritten()
    {
        var table = Open("a,b\n1,TRUE\n0,FALSE\n1.0,TRUE\n-0,FALSE\n").Table!;

        Assert.That(table.Columns.Select(column => (column.Kind, string.Join('|', column.Categories))), Is.EqualTo(new[] { (ColumnKind.Binary, "0|1"), (ColumnKind.Binary, "FALSE|TRUE") }));
        Assert.That(Values(Open("a,b\n1.00,true\n0,False\n", new TableOptions { Table = table })), Is.EqualTo((float[][])[[1, 1], [0, 0]]));
    }

    [Test]
    public void Splits_WithOtherDecimalSigns_AreExplained()
    {
        File.WriteAllText(Folder["train.csv"], "a;b\n1,5;x\n2,5;y\n");
        File.WriteAllText(Folder["test.csv"], "a,b\n1.5,x\n2.5,y\n");

        Assert.That(
            () => TableData.Open(Folder.Path, new ImageOptions()), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "The numbers of column 'a' have decimal points in one file and commas in another: convert a file, or say which is the decimal sign."));
    }

    [TestCase(ColumnType.Ignore, "The type of column 'b' is given, but the model takes it as it was trained: leave it out.")]
    [TestCase(ColumnType.Name, "The type of column 'b' is given, but the model takes it as it was trained: leave it out.")]
    [TestCase(ColumnType.Category, "The type of column 'b' is given, but the model takes it as it was trained: leave it out.")]
    public void Types_OfColumnsOfAModel_AreRefused(ColumnType type, string message)
    {
        var table = Open("a,b\n1,x\n2,y\n").Table!;

        Assert.That(() => Open("a,b\n1,x\n2,y\n", new TableOptions { Table = table, Types = new Dictionary<string, ColumnType> { ["b"] = type } }), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(message));
    }

    [Test]
    public void MalformedLines_AreSkippedIfAsked()
    {
        File.WriteAllText(Folder["a.csv"], "a,b\n1,x\n2,y,\n3\n4,y\n");

        var data = TableData.Open(Folder["a.csv"], new ImageOptions { SkipCorrupt = true });

        Assert.That(Values(data.All), Is.EqualTo((float[][])[[1, 0], [4, 1]]));
        Assert.That(data.PassedOver, Is.EqualTo((string[])["2 lines (another number of fields than the first line)"]));
    }

    [Test]
    public void Files_ThatAreDamaged_AreExplained()
    {
        File.WriteAllBytes(Folder["a.parquet"], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        File.WriteAllBytes(Folder["a.csv"], [.. "a,b\n1,x\n2,"u8, 0xFF, .. "\n"u8]);

        Assert.That(() => TableData.Open(Folder["a.parquet"], new ImageOptions()), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{Folder["a.parquet"]}' is not a .parquet that can be read: "));
        Assert.That(() => TableData.Open(Folder["a.csv"], new ImageOptions()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is not utf-8 text somewhere after line").And.Message.EndsWith("give its encoding, such as windows-1252."));
        Assert.That(() => TableData.Open(Folder["none.csv"], new ImageOptions()), Throws.TypeOf<FileNotFoundException>());
    }

    [Test]
    public void Statistics_LeaveMissingValuesOut()
    {
        var rows = Open("a,b,c\n1,x,5\n,y,6\n4,,6\n7,x,5\n");

        var statistics = ValueStatistics.Of(rows);

        Assert.That((statistics.Means[0], statistics.Deviations[0]), Is.EqualTo((4.0, Math.Sqrt(6))));
        Assert.That(statistics.StartsOfIncompleteColumns, Is.EquivalentTo((int[])[0, 2]));
        var scaling = statistics.ToScaling(ScalingKind.Standard);
        Assert.That((scaling.Offsets, scaling.Scales), Is.EqualTo(((float[])[4, 5.5f, 0], (float[])[(float)Math.Sqrt(6), 0.5f, 1])));
    }

    [Test]
    public void Numbers_ThatFloatsCannotTellApart_AreExplained()
    {
        var rows = Open("a,b\n20261130001,x\n20261130002,y\n20261130003,x\n20261140000,x\n");

        Assert.That(() => ValueStatistics.Of(rows).ToScaling(ScalingKind.Standard), Throws.TypeOf<InvalidDataException>().With.Message.Contains("differ by little more than float32 tells apart: subtract a number like"));
    }
}
