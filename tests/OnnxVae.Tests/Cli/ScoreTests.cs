using System.Globalization;
using System.Runtime.InteropServices;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Cli;

/// <summary>The verb <c>score</c>: tables, thresholds, maps.</summary>
internal sealed class ScoreTests : JobFixture
{
    private static readonly string[] Data = ["--data", "sprites", "--image-size", "16"];

    private string[] Job(string model, string output, params string[] more) => ["score", model, "--data", Folder["images"], "--out", Folder[output], .. more];

    [SetUp]
    public void WriteImages()
    {
        using var vae = TrainedVae.Load(Models.Export("mlp"));
        Directory.CreateDirectory(Folder["images"]);
        Support.Cli.Succeed("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "5", "--out", Folder["drawn"]);
        foreach (string file in Directory.GetFiles(Folder["drawn"], "*.png"))
        {
            File.Move(file, Folder[$"images/a, {Path.GetFileName(file)}"]);
        }
    }

    [Test]
    public void Tables_HoldTheScoresOfEachImage()
    {
        string model = Models.Export("mlp");
        Support.Cli.Succeed(Job(model, "scores.csv", "--seed", "3"));
        Support.Cli.Succeed(Job(model, "scores.npy", "--seed", "3", "--score", "distortion"));
        Support.Cli.Succeed(Job(model, "scores.parquet", "--seed", "3"));

        string[] lines = File.ReadAllLines(Folder["scores.csv"]);
        Assert.That(lines[0], Is.EqualTo("name,negativeElbo,negativeLogLikelihood,distortion,rate,squaredError"));
        Assert.That(lines[2], Does.StartWith("\"a, 00000001.png\","));
        using var scorer = VaeScorer.Load(Path.Combine(model, "scorer.onnx"));
        var images = ImageData.Open(Folder["images"]).All;
        float[] values = new float[5 * images.ImageSize];
        for (int i = 0; i < 5; i++)
        {
            images.ReadValues(i, values.AsSpan(i * images.ImageSize, images.ImageSize));
        }

        var expected = scorer.ScoreAll(values, seed: 3);
        var (type, shape, data) = Npy.Read(File.ReadAllBytes(Folder["scores.npy"]), "scores.npy");
        Assert.That((type, shape.Length, shape[0]), Is.EqualTo(("<f4", 1, 5)));
        Assert.That(MemoryMarshal.Cast<byte, float>(data.Span).ToArray(), Is.EqualTo(expected[ScoreKind.Distortion].ToArray()).Within(1e-4f));
        Assert.That(File.ReadAllLines(Folder["scores.npy.names.txt"])[1], Is.EqualTo("a, 00000001.png"));
        for (int i = 0; i < 5; i++)
        {
            float[] row = [.. lines[i + 1].Split(',')[2..].Select(number => float.Parse(number, CultureInfo.InvariantCulture))];
            Assert.That(row, Is.EqualTo(scorer.Kinds.Select(kind => expected[kind][i])).Within(1e-4f));
        }

        Assert.That(ReadParquet(Folder["scores.parquet"]).Result, Is.EqualTo(expected[ScoreKind.NegativeElbo].ToArray()).Within(1e-4f));

        static async Task<float[]> ReadParquet(string path)
        {
            await using var reader = await Parquet.ParquetReader.CreateAsync(path);
            using var group = reader.OpenRowGroupReader(0);
            var values = new float[group.RowCount];
            await group.ReadAsync<float>(reader.Schema.DataFields.Single(field => field.Name == "negativeElbo"), values);
            return values;
        }
    }

    [Test]
    public void Shards_AreThoseOfTheWhole()
    {
        string model = Models.Export("mlp");
        Support.Cli.Succeed(Job(model, "whole.csv"));
        Support.Cli.Succeed(Job(model, "part.csv", "--shard", "0/2"));
        Support.Cli.Succeed(Job(model, "part.csv", "--shard", "1/2"));

        Assert.That((string[])[.. File.ReadLines(Folder["part-0-of-2.csv"]), .. File.ReadLines(Folder["part-1-of-2.csv"]).Skip(1)], Is.EqualTo(File.ReadAllLines(Folder["whole.csv"])));
        Assert.That(Support.Cli.Succeed(Job(model, "whole.csv")), Does.Contain("Nothing was left to do"));
    }

    [Test]
    public void Threshold_IsTheQuantileOfHeldOutImages_AndStaysInTheFile()
    {
        Support.Cli.Succeed(["train", .. Data, "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "8", "--steps", "10", "--validation", "0.1", "--importance-samples", "0", "--out", Folder["run"]]);
        string[] test = ["score", Folder["run"], "--data", "sprites", "--split", "test"];

        string output = Support.Cli.Succeed([.. test, "--threshold", "0.9", "--out", Folder["marked.csv"]]);

        using var scorer = VaeScorer.Load(Folder["run/export/scorer.onnx"]);
        Assert.That(scorer.Threshold, Is.Not.Null);
        Assert.That((scorer.Threshold!.Kind, scorer.Threshold.Share), Is.EqualTo((ScoreKind.NegativeElbo, 0.9)));
        string[][] rows = [.. File.ReadLines(Folder["marked.csv"]).Skip(1).Select(line => line.Split(','))];
        Assert.That(rows.All(row => row[^1] == (float.Parse(row[1], CultureInfo.InvariantCulture) > scorer.Threshold.Value ? "true" : "false")), Is.True);
        int outliers = rows.Count(row => row[^1] == "true");
        Assert.That(outliers / (double)rows.Length, Is.InRange(0.07, 0.13));
        Assert.That(output, Does.Contain("Threshold ").And.Contain($"Outliers  {outliers} of {rows.Length}:"));

        // The file keeps it, for the same score.
        Assert.That(Support.Cli.Succeed([.. test, "--out", Folder["again.csv"]]), Does.Contain($"Outliers  {outliers} of {rows.Length}:"));
        Assert.That(Support.Cli.Succeed([.. test, "--score", "rate", "--out", Folder["rate.csv"]]), Does.Not.Contain("Outliers"));
        string[] likelihood = [.. test, "--threshold", "0.9", "--score", "negativeLogLikelihood", "--samples", "16"];
        Support.Cli.Succeed([.. likelihood, "--out", Folder["likelihood.csv"]]);
        Assert.That(File.ReadLines(Folder["likelihood.csv"]).Count(line => line.EndsWith("true", StringComparison.Ordinal)) / (double)rows.Length, Is.InRange(0.07, 0.13), "of the same number of samples");
        Assert.That(Support.Cli.Succeed("export", Folder["run"], "--out", Folder["deployed"]), Does.Contain("scorer.onnx"));
        using var deployed = VaeScorer.Load(Folder["deployed/scorer.onnx"]);
        Assert.That((deployed.DefaultKind, deployed.DefaultSamples), Is.EqualTo((ScoreKind.NegativeLogLikelihood, 16)));
    }

    [Test]
    public void Maps_AreNumbersOrPictures()
    {
        string model = Models.Export("mlp");
        Support.Cli.Succeed(Job(model, "scores.csv", "--map", Folder["map.npy"]));
        Support.Cli.Succeed(Job(model, "others.csv", "--map", Folder["maps"]));

        var (type, shape, data) = Npy.Read(File.ReadAllBytes(Folder["map.npy"]), "map.npy");
        Assert.That((type, shape), Is.EqualTo(("<f4", (long[])[5, 1, 9, 8])));
        float[] map = [.. MemoryMarshal.Cast<byte, float>(data.Span)[..72]];
        Assert.That(map.Sum(), Is.EqualTo(float.Parse(File.ReadLines(Folder["scores.csv"]).ElementAt(1).Split(',')[4], CultureInfo.InvariantCulture)).Within(1e-3));
        var picture = ImageData.Open(Folder["maps"]).All;
        byte[] pixels = new byte[72];
        picture.Read(0, pixels);
        float smallest = map.Min(), range = map.Max() - smallest;
        Assert.That(pixels.Select(pixel => (double)pixel), Is.EqualTo(map.Select(value => 255.0 * (value - smallest) / range)).Within(1));
    }

    [Test]
    public void Corrupt_ImagesAreSkipped_AlsoWhereTheModelCompletesImages()
    {
        Support.Cli.Succeed(["train", .. Data, "--model", "mlp", "--hidden", "8", "--latent", "2", "--condition", "mask", "--batch", "8", "--steps", "2", "--importance-samples", "0", "--out", Folder["run"]]);
        Support.Cli.Succeed("generate", Path.Combine(Models.Export("mlp"), "decoder.onnx"), "--count", "5", "--out", Folder["pictures"]);
        File.WriteAllBytes(Folder["pictures/00000002.png"], File.ReadAllBytes(Folder["pictures/00000002.png"])[..40]);
        File.Delete(Folder["pictures/job.json"]);

        string output = Support.Cli.Succeed("score", Folder["run"], "--data", Folder["pictures"], "--skip-corrupt", "--out", Folder["scores.csv"], "--map", Folder["map.npy"]);

        Assert.That(output, Does.Contain("Scored 4 images").And.Contain("1 image was skipped"));
        Assert.That(File.ReadLines(Folder["scores.csv"]).Count(), Is.EqualTo(5));
        Assert.That(Npy.Read(File.ReadAllBytes(Folder["map.npy"]), "map.npy").Shape[0], Is.EqualTo(4));
    }

    [Test]
    public void Score_RefusesWhatItCannotDo()
    {
        string model = Models.Export("mlp");
        Support.Cli.Succeed(["train", .. Data, "--model", "mlp", "--hidden", "8", "--latent", "2", "--likelihood", "dissimilarity", "--batch", "8", "--steps", "2", "--importance-samples", "0", "--out", Folder["run"]]);

        Refuses(2, "onnxvae: --out is 'scores.txt'; scores go to a .csv, a .parquet or a .npy.", "score", model, "--data", Folder["images"], "--out", "scores.txt");
        Refuses(2, "onnxvae: --samples is 12; the scorer takes 8 at a time: give a multiple.", Job(model, "x.csv", "--samples", "12"));
        Refuses(2, $"onnxvae: --map and --out are both '{Folder["x.npy"]}': give two files.", Job(model, "x.npy", "--map", Folder["x.npy"]));
        Refuses(2, "onnxvae: --map is 'map.png'; maps go to a folder, a .npy or a .tar.", Job(model, "x.csv", "--map", "map.png"));
        Refuses(2, "onnxvae: The model has no negativeElbo: give --score distortion or rate or squaredError.", "score", Folder["run"], "--data", "sprites", "--out", Folder["x.csv"], "--score", "negativeElbo");
        Refuses(2, "onnxvae: The model has no map: its likelihood has no distortion of each value. Leave --map out.", "score", Folder["run"], "--data", "sprites", "--out", Folder["x.csv"], "--map", Folder["m.npy"]);
        Refuses(1, $"onnxvae: '{Path.Combine(model, "encoder.onnx")}' is an encoder; expected a scorer. Give the scorer.onnx that was exported with it.", Job(Path.Combine(model, "encoder.onnx"), "x.csv"));
        Refuses(2, "onnxvae: --threshold cannot be given with --mask: it is found with a random hole in each image.", Job(model, "x.csv", "--threshold", "0.9", "--mask", "m.png"));
        Assert.That(Support.Cli.Run(Job(model, "x.csv", "--threshold", "0.9")).Error, Does.StartWith($"onnxvae: --threshold needs the run of '{Path.Combine(model, "scorer.onnx")}' and the images that it was trained on: there is no run folder"));
        Assert.That(File.Exists(Folder["x.csv"]), Is.False);

        // What is refused leaves the file's threshold alone, and names the option.
        Directory.CreateDirectory(Folder["full"]);
        File.WriteAllText(Folder["full/file"], "");
        byte[] before = File.ReadAllBytes(Folder["run/export/scorer.onnx"]);
        Refuses(1, $"onnxvae: The folder '{Folder["full"]}' exists and is not empty: give another --map, or empty it.", Job(model, "y.csv", "--map", Folder["full"]));
        Assert.That(Directory.GetFiles(Folder.Path, "y.csv*"), Is.Empty);
        Refuses(1, "onnxvae: There is no data '/nowhere'", "score", Folder["run"], "--data", "/nowhere", "--threshold", "0.9", "--out", Folder["y.csv"]);
        Assert.That(File.ReadAllBytes(Folder["run/export/scorer.onnx"]), Is.EqualTo(before));

        static void Refuses(int exitCode, string message, params string[] command) => Assert.That(Support.Cli.Run(command) is var (code, _, error) ? (code, error[..Math.Min(error.Length, message.Length)]) : default, Is.EqualTo((exitCode, message)));
    }
}
