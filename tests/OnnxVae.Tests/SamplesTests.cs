using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using OnnxVae.Inference;
using OnnxVae.Inference.SkiaSharp;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;
using SkiaSharp;

namespace OnnxVae.Tests;

/// <summary>The programs below samples, started as a user starts them.</summary>
[NonParallelizable]
internal sealed partial class SamplesTests : FolderFixture
{
    private static readonly ExportedModels Models = new();

    [OneTimeTearDown]
    public void DeleteModels() => Models.Dispose();

    [Test]
    public void TrainAndServe_LeavesADecoder()
    {
        string output = Run("TrainAndServe");

        using var decoder = VaeDecoder.Load(Folder["export/decoder.onnx"]);
        Assert.That(output, Does.EndWith(" ").And.Match(@"\rstep 500, loss \d+\.\d $"));
        Assert.That(decoder.Metadata.ImageSize, Is.EqualTo(64 * 64));
    }

    [Test]
    public void CustomModel_TrainsItsOwnNetworkLikelihoodAndObjective()
    {
        string output = Run("CustomModel", Folder["custom"]);

        var metrics = Metrics().Match(output);
        Assert.That(metrics.Success, output);
        Assert.That(Number(metrics.Groups[1]), Is.LessThan(-500), "-ln of the density of 1024 pixels, most of which are black");
        Assert.That(Number(metrics.Groups[2]), Is.InRange(4, 13), "nats above the budget of 12 are dear");
        using var decoder = VaeDecoder.Load(Folder["custom/export/decoder.onnx"]);
        Assert.That(decoder.Metadata.Objective, Does.Contain("max(0, E[KL(Q(z|y) || P(z))] - 12)").And.Contain("laplace"));
    }

    [Test]
    public void FineTuning_GoesFromShapesToScenes()
    {
        string output = Run("FineTuning", Folder["tuned"]);

        Assert.That(output, Does.Match(@"shapes: best at step \d+, validation loss \d+\.\d\n").And.Match(@"scenes: best at step \d+, validation loss \d+\.\d\n"));
        var package = OnnxVae.Format.TrainingPackage.Open(Folder["tuned/scenes/package"]);
        var (initial, trained) = (package.ReadInitialStates(), new RunFolder(Folder["tuned/scenes"]).LoadKept(package).Checkpoint.States);
        Assert.That(trained["decoder.0.weight"].Data.ToArray(), Is.EqualTo(initial["decoder.0.weight"].Data.ToArray()));
        Assert.That(trained["encoder.1.weight"].Data.ToArray(), Is.Not.EqualTo(initial["encoder.1.weight"].Data.ToArray()));
        Assert.That(File.Exists(Folder["tuned/scenes/report.html"]));
    }

    [Test]
    public void SeveralProcesses_TrainOneModel_AndGoOn()
    {
        string program = ProgramOf("SeveralProcesses");
        var (exitCode, output, error) = Mpi.RunProgram(2, program, Folder["together"]);
        Assert.That(exitCode, Is.Zero, output + error);
        Assert.That(output, Does.Match(@"step 1000, loss \d+\.\d, \d+ images per second"));

        var run = new RunFolder(Folder["together/run"]);
        File.Delete(run.NewestCheckpoint());
        byte[] before = File.ReadAllBytes(run.NewestCheckpoint());
        Assert.That(Mpi.RunProgram(2, program, Folder["together"]).ExitCode, Is.Zero);
        Assert.That(run.NewestStep, Is.EqualTo(1000));
        Assert.That(File.ReadAllBytes(run.CheckpointAt(500)), Is.EqualTo(before));
    }

    [Test]
    public void ConsoleDecode_WritesPicturesOfTheModelsImages()
    {
        string export = Models.Export("conv");
        WritePicture(Folder["picture.png"]);

        string output = Run("ConsoleDecode", export, Folder["images"], Folder["picture.png"]);

        using var vae = TrainedVae.Load(export);
        using var first = SKBitmap.Decode(Folder["images/generated-0.png"]);
        float[] generated = vae.Decoder.Generate(count: 8, seed: 1);
        using var expected = vae.Decoder.Metadata.ToBitmaps(generated)[0];
        Assert.That(Directory.GetFiles(Folder["images"], "generated-*.png"), Has.Length.EqualTo(8));
        Assert.That(first.ToPixels(vae.Encoder.Metadata), Is.EqualTo(expected.ToPixels(vae.Encoder.Metadata)));
        Assert.That(output, Does.StartWith($"{vae.Encoder.Metadata.LatentSize} latents: "));
        Assert.That(File.Exists(Folder["images/reconstructed-0.png"]));
    }

    [Test]
    public void AnomalyDetection_GivesTheScoresOfTheVerb()
    {
        string export = Models.Export("conv");
        Support.Cli.Succeed("generate", Path.Combine(export, "decoder.onnx"), "--count", "4", "--out", Folder["drawn"]);
        Directory.CreateDirectory(Folder["pictures"]);
        foreach (string file in Directory.GetFiles(Folder["drawn"], "*.png"))
        {
            File.Move(file, Folder[$"pictures/{Path.GetFileName(file)}"]);
        }

        Support.Cli.Succeed("score", export, "--data", Folder["pictures"], "--out", Folder["scores.csv"]);

        string[][] lines = [.. Run("AnomalyDetection", Path.Combine(export, "scorer.onnx"), Folder["pictures"]).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];
        string[][] rows = [.. File.ReadLines(Folder["scores.csv"]).Skip(1).Select(line => line.Split(','))];
        Assert.That(lines.Select(line => line[1]), Is.EqualTo(rows.Select(row => row[0])));
        Assert.That(lines, Has.Length.EqualTo(4));
        foreach (var (line, row) in lines.Zip(rows))
        {
            double expected = double.Parse(row[1], CultureInfo.InvariantCulture);
            Assert.That(double.Parse(line[0], CultureInfo.InvariantCulture), Is.EqualTo(expected).Within(1e-5 * expected));
        }
    }

    [Test]
    public void Imputation_FillsARowAsTheVerbDoes()
    {
        File.WriteAllText(Folder["table.csv"], $"a,b,color\n5,,\n{string.Concat(Enumerable.Range(0, 200).Select(i => $"{i % 20},{(i % 20) * 2},{(i % 20 > 9 ? "red" : i % 3 == 0 ? "green" : "blue")}\n"))}");
        Support.Cli.Succeed("train", "--data", Folder["table.csv"], "--steps", "200", "--importance-samples", "0", "--out", Folder["run"]);
        Support.Cli.Succeed("impute", Folder["run"], "--data", Folder["table.csv"], "--out", Folder["filled.csv"]);

        string[][] lines = [.. Run("Imputation", Folder["run/export/imputer.onnx"], "a=5").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];

        string[] expected = File.ReadLines(Folder["filled.csv"]).ElementAt(1).Split(',');
        Assert.That(lines.Select(line => line[0]), Is.EqualTo((string[])["b", "color"]));
        Assert.That(double.Parse(lines[0][1], CultureInfo.InvariantCulture), Is.EqualTo(double.Parse(expected[1], CultureInfo.InvariantCulture)).Within(1e-3));
        Assert.That(double.Parse(lines[0][3], CultureInfo.InvariantCulture), Is.Positive);
        Assert.That(lines[1][1], Is.EqualTo(expected[2]));
    }

    [Test]
    public void Conditional_WritesPicturesOfEachClass()
    {
        Support.Cli.Succeed("train", "--image-size", "16", "--condition", "label", "--model", "mlp", "--hidden", "16", "--batch", "8", "--steps", "5", "--importance-samples", "0", "--out", Folder["run"]);

        Run("Conditional", Folder["run/export"], Folder["classes"]);

        Assert.That(
            Directory.GetFiles(Folder["classes"]).Select(Path.GetFileName),
            Is.EquivalentTo(((string[])["square", "ellipse", "heart"]).SelectMany(name => Enumerable.Range(0, 8).Select(number => $"{name}-{number}.png"))));
    }

    [Test]
    public async Task WebApi_AnswersWithPictures()
    {
        string export = Models.Export("conv");
        WritePicture(Folder["picture.png"]);
        using var process = Start("WebApi", "--Model", export, "--urls", "http://127.0.0.1:0");
        try
        {
            string address = await AddressAsync(process);
            using var client = new HttpClient { BaseAddress = new Uri(address) };

            byte[] image = await client.GetByteArrayAsync("/images/7"), again = await client.GetByteArrayAsync("/images/7");
            using var upload = new ByteArrayContent(await File.ReadAllBytesAsync(Folder["picture.png"]));
            using var reconstructed = await client.PostAsync("/reconstructions", upload);
            using var text = new StringContent("no picture");
            using var refused = await client.PostAsync("/reconstructions", text);

            using var vae = TrainedVae.Load(export);
            using var shown = SKBitmap.Decode(image);
            float[] seventh = new float[vae.Decoder.Metadata.ImageSize];
            vae.Decoder.Generate(seed: 1, first: 7, seventh);
            using var expected = vae.Decoder.Metadata.ToBitmaps(seventh)[0];
            Assert.That(shown.ToPixels(vae.Encoder.Metadata), Is.EqualTo(expected.ToPixels(vae.Encoder.Metadata)));
            Assert.That(again, Is.EqualTo(image));
            Assert.That(reconstructed.Content.Headers.ContentType!.MediaType, Is.EqualTo("image/png"));
            Assert.That((int)refused.StatusCode, Is.EqualTo(400));
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
    }

    private static void WritePicture(string file)
    {
        using var bitmap = new SKBitmap(50, 30);
        bitmap.Erase(SKColors.Orange);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(file, png.ToArray());
    }

    private string Run(string sample, params string[] arguments)
    {
        using var process = Start(sample, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{output}{errors.Result}");
        return output;
    }

    private static string ProgramOf(string sample)
    {
        string configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";
        return Path.Combine(Repository.Root, "samples", sample, "bin", configuration, "net10.0", $"{sample}.dll");
    }

    private Process Start(string sample, params string[] arguments)
    {
        return Process.Start(new ProcessStartInfo("dotnet", [ProgramOf(sample), .. arguments]) { WorkingDirectory = Folder.Path, RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static async Task<string> AddressAsync(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Address().Match(line) is { Success: true } match)
            {
                return match.Groups[1].Value;
            }
        }

        throw new AssertionException($"The server did not start: {await process.StandardError.ReadToEndAsync()}");
    }

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"reconstruction loss (-?[\d.]+), KL ([\d.]+) nats per image")]
    private static partial Regex Metrics();

    [GeneratedRegex(@"listening on: (http://\S+)")]
    private static partial Regex Address();
}
