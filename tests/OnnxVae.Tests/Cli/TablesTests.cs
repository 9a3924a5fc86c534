using System.Globalization;
using System.Text;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Tables;

namespace OnnxVae.Tests.Cli;

/// <summary>Tables from training to filled, generated and scored ones.</summary>
internal sealed class TablesTests : FolderFixture
{
    private const double Share = 0.1; // of values that are missing
    private const int Rows = 10_000;

    private static readonly string[] Numbers = ["age", "income", "height"], Categories = ["smoker", "color"];

    private string[][] complete = [];
    private TemporaryFolder shared = null!;

    private string Run => shared["run"];

    private string People => shared["people.csv"];

    [OneTimeSetUp]
    public void Train()
    {
        shared = new TemporaryFolder();
        complete = Draw(Rows, seed: 1);
        Write(People, complete, Share);
        Support.Cli.Succeed("train", "--data", People, "--column-types", "id=name", "--latent", "4", "--hidden", "64", "--steps", "4000", "--learning-rate", "2e-3", "--threads", "2", "--out", Run);
    }

    [OneTimeTearDown]
    public void RemoveFolder() => shared.Dispose();

    // The numbers have noise of about a tenth to a fifth of their spread, and the categories are noisy functions of the same two causes: see Draw.
    [Test]
    public void Impute_IsNearerThanMeans_AndCategoriesAreRightMoreOften()
    {
        Support.Cli.Succeed("impute", Run, "--data", People, "--column-types", "id=name", "--out", Folder["filled.csv"]);

        string[][] before = Read(People), after = Read(Folder["filled.csv"]);
        Assert.That(after[0], Is.EqualTo(before[0]));
        Assert.That(after, Has.Length.EqualTo(Rows + 1));
        foreach (string name in Numbers)
        {
            int column = Array.IndexOf(before[0], name);
            int[] missing = [.. Enumerable.Range(1, Rows).Where(row => before[row][column] == "")];
            double mean = Enumerable.Range(1, Rows).Where(row => before[row][column] != "").Average(row => Number(before[row][column]));
            double ofModel = RootMeanSquare(missing.Select(row => Number(after[row][column]) - Number(complete[row - 1][column])));
            double ofMean = RootMeanSquare(missing.Select(row => mean - Number(complete[row - 1][column])));
            TestContext.Out.WriteLine($"{name}: {ofModel / ofMean:0.000} of the error of the mean, {missing.Length} values");
            Assert.That(ofModel, Is.LessThan(0.6 * ofMean), name);
        }

        foreach (string name in Categories)
        {
            int column = Array.IndexOf(before[0], name);
            int[] missing = [.. Enumerable.Range(1, Rows).Where(row => before[row][column] == "")];
            string usual = before[1..].Select(row => row[column]).Where(text => text != "").GroupBy(text => text).MaxBy(group => group.Count())!.Key;
            double right = missing.Average(row => after[row][column] == complete[row - 1][column] ? 1.0 : 0), usually = missing.Average(row => usual == complete[row - 1][column] ? 1.0 : 0);
            TestContext.Out.WriteLine($"{name}: {right:0.000} right, {usually:0.000} by the usual one");
            Assert.That(right, Is.GreaterThan(usually + 0.2), name);
        }

        // What was there is there to the letter.
        for (int row = 1; row <= Rows; row++)
        {
            Assert.That(after[row].Zip(before[row]).All(cell => cell.First.Length > 0 && (cell.Second == "" || cell.First == cell.Second)), $"row {row}");
        }
    }

    [Test]
    public void Impute_ToDraws_KeepsTheSpread_AndDecimals()
    {
        Support.Cli.Succeed("impute", Run, "--data", People, "--column-types", "id=name", "--samples", "256", "--draws", "2", "--out", Folder["drawn.csv"]);

        string[][] before = Read(People), after = Read(Folder["drawn.csv"]);
        Assert.That(after, Has.Length.EqualTo((2 * Rows) + 1));
        Assert.That((after[1][0], after[Rows][0], after[Rows + 1][0], after[Rows + 1][1]), Is.EqualTo(("1", "1", "2", "r0")));
        int age = Array.IndexOf(before[0], "age");
        int[] missing = [.. Enumerable.Range(1, Rows).Where(row => before[row][age] == "")];
        double[] drawn = [.. missing.Select(row => Number(after[row][age + 1]))];
        Assert.That(drawn, Is.All.Matches<double>(value => value == Math.Round(value)), "whole numbers, as in the data");
        double error = RootMeanSquare(missing.Select((row, i) => drawn[i] - Number(complete[row - 1][age])));
        Assert.That(Deviation(drawn), Is.EqualTo(Deviation(missing.Select(row => Number(complete[row - 1][age])))).Within(10).Percent, "means would have less spread");
        Assert.That(missing.Count(row => after[row][age + 1] != after[Rows + row][age + 1]), Is.GreaterThan(missing.Length / 2));
        Assert.That(error, Is.LessThan(Deviation(drawn)));
    }

    [Test]
    public void Generate_HasTheUnitsAndCategoriesOfTheData([Values("csv", "parquet")] string format)
    {
        Support.Cli.Succeed("generate", Run, "--count", "5000", "--seed", "3", "--out", Folder[$"rows.{format}"]);

        var rows = TableData.Open(Folder[$"rows.{format}"], new ImageOptions()).All;
        using var decoder = VaeDecoder.Load(Path.Combine(Run, "export/decoder.onnx"));
        Assert.That(rows.Table!.Columns.Select(column => (column.Name, column.Kind, column.Decimals, string.Join('|', column.Categories))), Is.EqualTo(
            TableData.SpecOf(decoder.Metadata.Columns).Columns.Select(column => (column.Name, column.Kind, column.Decimals, string.Join('|', column.Categories)))));
        var statistics = ValueStatistics.Of(rows);
        var expected = ValueStatistics.Of(TableData.Open(Complete(), new ImageOptions(), new TableOptions { Types = new Dictionary<string, ColumnType> { ["id"] = ColumnType.Name } }).All);
        for (int i = 0; i < expected.Means.Count; i++)
        {
            Assert.That(statistics.Means[i], Is.EqualTo(expected.Means[i]).Within(0.15 * expected.Deviations[i]), $"mean of value {i}");
            Assert.That(statistics.Deviations[i], Is.EqualTo(expected.Deviations[i]).Within(15).Percent, $"deviation of value {i}");
        }
    }

    [Test]
    public void Score_FindsOddRows_WhateverTheOrderOfColumns()
    {
        File.WriteAllText(Folder["odd.csv"], "id,age,income,height,smoker,color\na,45,30000,170,no,red\nb,20,60000,170,no,red\nc,45,,170,,red\n");
        File.WriteAllText(Folder["turned.csv"], "note;color;height;age;smoker;id;income\nx;red;170;45,0;no;a;30000\ny;red;170;20;no;b;60000\nz;red;170;45;;c;\n");

        Support.Cli.Succeed("score", Run, "--data", Folder["odd.csv"], "--column-types", "id=name", "--threshold", "0.99", "--samples", "64", "--out", Folder["scores.csv"]);
        var (_, _, error) = Support.Cli.Run("score", Run, "--data", Folder["turned.csv"], "--column-types", "id=name", "--threshold", "0.99", "--samples", "64", "--out", Folder["turned-scores.csv"]);

        Assert.That(error, Does.Contain($"Skipped in '{Folder["turned.csv"]}': 1 column (not of the model)."));
        Assert.That(File.ReadAllText(Folder["turned-scores.csv"]), Is.EqualTo(File.ReadAllText(Folder["scores.csv"])));
        string[][] scores = Read(Folder["scores.csv"]);
        Assert.That(scores[1..].Select(row => (row[0], row[^1])), Is.EqualTo(new[] { ("a", "false"), ("b", "true"), ("c", "false") }));
        Assert.That(Number(scores[3][1]), Is.LessThan(Number(scores[1][1])), "missing values cost nothing");
    }

    [Test]
    public void Impute_InShardsAndAfterAStop_HasTheSameBytes()
    {
        string[] some = ["impute", Run, "--data", People, "--samples", "64", "--threads", "2"];
        Support.Cli.Succeed([.. some, "--out", Folder["whole.csv"]]);
        for (int shard = 0; shard < 3; shard++)
        {
            Support.Cli.Succeed([.. some, "--shard", $"{shard}/3", "--out", Folder["part.csv"]]);
        }

        string[] whole = File.ReadAllLines(Folder["whole.csv"]);
        string[][] parts = [.. Enumerable.Range(0, 3).Select(shard => File.ReadAllLines(Folder[$"part-{shard}-of-3.csv"]))];
        Assert.That(parts.SelectMany(part => part.Skip(1)), Is.EqualTo(whole.Skip(1)));
        Assert.That(parts.Select(part => part[0]), Is.All.EqualTo(whole[0]));
        Assert.That(Support.Cli.Succeed([.. some, "--out", Folder["whole.csv"]]), Does.Contain("Nothing was left to do"));
    }

    [Test]
    public void OtherVerbs_TakeTables()
    {
        Support.Cli.Succeed("encode", Run, "--data", People, "--column-types", "id=name", "--out", Folder["z.npy"]);
        Assert.That(File.ReadLines(Folder["z.npy.names.txt"]).Take(2), Is.EqualTo((string[])["r0", "r1"]));
        Support.Cli.Succeed("reconstruct", Run, "--data", People, "--split", "all", "--count", "20", "--out", Folder["again.csv"]);
        Assert.That(Read(Folder["again.csv"]), Has.Length.EqualTo(21));
        Assert.That(Support.Cli.Succeed("evaluate", Run, "--data", People, "--split", "all"), Does.Contain("observedValues"));
        Assert.That(Support.Cli.Succeed("fit", Run, "--components", "3"), Does.Contain("Fitted"));
        Support.Cli.Succeed("generate", Run, "--prior", "mixture", "--count", "10", "--out", Folder["mixture.csv"]);
        Support.Cli.Succeed("export", Run, "--out", Folder["export"]);
        Assert.That(File.Exists(Folder["export/imputer.onnx"]));
        Assert.That(Support.Cli.Succeed("train", "--resume", "--out", Run), Does.Contain("imputer.onnx"));
    }

    [Test]
    public void Packages_TakeTablesOfTheirColumns()
    {
        Write(Folder["few.csv"], Draw(300, seed: 5), share: 0.05);
        File.WriteAllText(Folder["fewer.csv"], $"{string.Join('\n', File.ReadLines(Folder["few.csv"]).Where(line => !line.Contains("yellow")))}\n");
        Support.Cli.Succeed("compile", "--data", Folder["few.csv"], "--column-types", "id=ignore", "--model", "linear", "--out", Folder["package"]);

        var (exitCode, _, announced) = Support.Cli.Run("train", "--package", Folder["package"], "--data", Folder["fewer.csv"], "--steps", "20", "--out", Folder["run"]);
        Assert.That(exitCode, Is.Zero, announced);
        Assert.That(announced, Does.Contain("color (4)"));
        Support.Cli.Succeed("train", "--resume", "--out", Folder["run"]);
    }

    [TestCase("a,b\n1,x\n2,y\n", "{1} has no columns 'age', 'income', 'height', 'smoker', 'color', which the model takes; it has a, b.")]
    [TestCase("age,income,height,smoker,color\n1,2,3,no,purple\n", "In line 2 of {1}, column 'color' is 'purple', but the categories are 'blue', 'green', 'red', 'yellow'. Mend it, or leave it empty, as missing.")]
    [TestCase("age,income,height,smoker,color\n1,2,3,no\n", "In line 2 of {1} there are 4 fields; expected 5, as in the first line. Mend the line, or give --skip-corrupt to leave such lines out.")]
    [TestCase("age,income,height,smoker,color\nold,2,3,no,red\n", "In line 2 of {1}, column 'age' is 'old'; expected a number with the decimal sign '.', or nothing for a missing one. Mend it, or give --missing with what stands for a missing value.")]
    public void Score_OfOtherTables_IsRefused(string text, string message)
    {
        File.WriteAllText(Folder["a.csv"], text);

        var (exitCode, _, error) = Support.Cli.Run("score", Run, "--data", Folder["a.csv"], "--out", Folder["s.csv"]);

        Assert.That((exitCode, error.Trim()), Is.EqualTo((1, $"onnxvae: {message.Replace("{1}", $"'{Folder["a.csv"]}'")}")));
    }

    [TestCase("train --data {0}/a.csv --out {0}/x", 1, "Column 'b' of '{0}/a.csv' is 'x' in all rows: nothing can be learned from it. Give --column-types with NAME=ignore to leave the column out.")]
    [TestCase("train --data {0}/b.csv --out {0}/x", 1, "'{0}/b.csv' has 1 row; expected 2 or more to learn from.")]
    [TestCase("train --data {0}/c.csv --out {0}/x", 1, "There are 2 training vectors, fewer than a batch of 64: give a smaller --batch.")]
    [TestCase("train --data {0}/c.csv --column-types c=number --out {0}/x", 1, "'{0}/c.csv' has no column 'c', of which a type is given; it has a, b.")]
    [TestCase("train --data {0}/c.csv --column-types a:number --out {0}/x", 2, "--column-types is 'a:number'; expected NAME=TYPE with commas between them, as in id=name,zip=category, and types among number, binary, category, name, ignore. See 'onnxvae train --help'.")]
    [TestCase("train --data {0}/c.csv --likelihood bernoulli --batch 2 --out {0}/x", 2, "--likelihood cannot be given for a table: each column has the likelihood of what it holds. State that with --column-types.")]
    [TestCase("train --data {0}/c.csv --delimiter ;; --out {0}/x", 2, "--delimiter is ';;'; expected one character such as ';', or tab. See 'onnxvae train --help'.")]
    [TestCase("train --data {0}/c.csv --encoding klingon --out {0}/x", 2, "--encoding is 'klingon'; expected the name of an encoding, as in utf-8, utf-16, latin1 or windows-1252. See 'onnxvae train --help'.")]
    [TestCase("train --data sprites --no-header --out {0}/x", 2, "--no-header is for tables, but 'sprites' is not a .csv, a .tsv or a .parquet: leave it out.")]
    [TestCase("train --data {0}/c.csv --image-size 8 --out {0}/x", 1, "'{0}/c.csv' is a table, which is not scaled to a size, converted to other channels, laid out or binarized: leave that out.")]
    [TestCase("train --data {0}/c.csv --model vqvae --batch 2 --out {0}/x", 1, "The examples are vectors of 2 (columns), but codes are for images: give --model mlp, conv, linear or residual.")]
    [TestCase("impute {1} --data {0}/c.csv --out {0}/x.parquet", 2, "--out is '{0}/x.parquet', but --data is '{0}/c.csv', of which it becomes a copy: give a .csv. See 'onnxvae impute --help'.")]
    [TestCase("impute {1} --data {0} --out {0}/x.csv", 2, "--data is '{0}', a folder; give one file, of which --out becomes a copy. See 'onnxvae impute --help'.")]
    [TestCase("impute {1} --data sprites --out {0}/x.csv", 1, "There is no file 'sprites': give a .csv, a .tsv or a .parquet.")]
    [TestCase("generate {1} --out {0}/folder", 2, "--out is '{0}/folder', but the model's examples, 8, are not images: give a .csv, a .tsv, a .parquet or a .npy.")]
    public void Commands_ThatAreWrong_AreExplained(string command, int code, string message)
    {
        File.WriteAllText(Folder["a.csv"], "a,b\n1,x\n2,x\n");
        File.WriteAllText(Folder["b.csv"], "a,b\n1,x\n");
        File.WriteAllText(Folder["c.csv"], "a,b\n1,x\n2,y\n3,x\n");

        var (exitCode, _, error) = Support.Cli.Run(command.Replace("{0}", Folder.Path).Replace("{1}", Run).Split(' '));

        Assert.That((exitCode, error.Trim()), Is.EqualTo((code, $"onnxvae: {message.Replace("{0}", Folder.Path)}")));
    }

    [Test]
    public void ColumnNames_MayHaveCommasAndEqualsSigns_AndSweepsGoOn()
    {
        Write(Folder["few.csv"], Draw(200, seed: 5), share: 0.05);
        File.WriteAllText(Folder["few.csv"], File.ReadAllText(Folder["few.csv"]).Replace("id,age,", "\"id, or so\",a=b,"));
        string[] sweep = ["sweep", "--data", Folder["few.csv"], "--column-types", "id, or so=name,a=b=ignore", "--betas", "1,2", "--steps", "20", "--batch", "16", "--importance-samples", "0", "--out", Folder["sweep"]];

        Support.Cli.Succeed(sweep);
        Support.Cli.Succeed(sweep);
        Support.Cli.Succeed("encode", Folder["sweep/beta-1"], "--data", Folder["few.csv"], "--column-types", "id, or so=name", "--out", Folder["z.npy"]);

        Assert.That(File.ReadLines(Folder["z.npy.names.txt"]).First(), Is.EqualTo("r0"));
        Assert.That(File.ReadAllText(Folder["sweep/beta-1/package/manifest.json"]), Does.Not.Contain("a=b").And.Contain("income"));
    }

    [Test]
    public void Score_OfHugeNumbers_IsFinite()
    {
        File.WriteAllText(Folder["huge.csv"], "age,income,height,smoker,color\n45,1e20,170,no,red\n");

        Support.Cli.Succeed("score", Run, "--data", Folder["huge.csv"], "--score", "negativeElbo", "--out", Folder["s.csv"]);

        Assert.That(Number(Read(Folder["s.csv"])[1][1]), Is.GreaterThan(1e10));
    }

    private static string[][] Draw(int rows, int seed)
    {
        var random = new Random(seed);
        string[] colors = ["blue", "green", "red", "yellow"];
        return [.. Enumerable.Range(0, rows).Select(i =>
        {
            double z = Normal(random), w = Normal(random);
            return (string[])
            [
                $"r{i}", Text(Math.Round(45 + (12 * z) + (3 * Normal(random)))), Text(Math.Round(30000 + (8000 * z) + (6000 * w) + (1000 * Normal(random)), 2)), Text(Math.Round(170 + (8 * w) + (2 * Normal(random)), 1)),
                random.NextDouble() < 1 / (1 + Math.Exp(-3 * z)) ? "yes" : "no", colors[Math.Clamp((int)(2 + (1.2 * w) + (0.3 * Normal(random))), 0, 3)],
            ];
        })];
    }

    private static void Write(string path, string[][] rows, double share)
    {
        var random = new Random(9);
        var text = new StringBuilder("id,age,income,height,smoker,color\n");
        foreach (string[] row in rows)
        {
            text.Append(string.Join(',', row.Select((cell, column) => column > 0 && random.NextDouble() < share ? "" : cell))).Append('\n');
        }

        File.WriteAllText(path, text.ToString());
    }

    private string Complete()
    {
        Write(Folder["complete.csv"], complete, share: 0);
        return Folder["complete.csv"];
    }

    private static string[][] Read(string path) => [.. File.ReadLines(path).Select(line => line.Split(','))];

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double RootMeanSquare(IEnumerable<double> values) => Math.Sqrt(values.Average(value => value * value));

    private static double Deviation(IEnumerable<double> values) => values.Average() is var mean ? RootMeanSquare(values.Select(value => value - mean)) : 0;
}
