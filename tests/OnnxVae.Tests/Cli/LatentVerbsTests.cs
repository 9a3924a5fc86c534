using System.Text.Json.Nodes;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>What can be done with the latents of a trained model.</summary>
internal sealed class LatentVerbsTests
{
    private static readonly TemporaryFolder Folder = new();
    private static readonly RunFolder Run = new(Folder["run"]), Coder = new(Folder["coder"]);

    [OneTimeSetUp]
    public void Train()
    {
        Support.Cli.Succeed("train", "--model", "mlp", "--hidden", "64", "--latent", "4", "--prior", "vamp", "--pseudo-images", "20", "--steps", "100", "--importance-samples", "2", "--out", Run.Path);
        Support.Cli.Succeed(
            "train", "--model", "mlp", "--hidden", "64", "--latent", "6", "--rounded", "--likelihood", "squared-error", "--lambda", "5", "--steps", "1500", "--out", Coder.Path);
    }

    [OneTimeTearDown]
    public void DeleteFolder() => Folder.Dispose();

    [Test]
    public void Traverse_ToNpy_WritesEveryLatentAtEveryValue()
    {
        Support.Cli.Succeed("traverse", Run.Export, "--latents", "0,3", "--steps", "5", "--out", Folder["traversed.npy"]);
        Support.Cli.Succeed("traverse", Run.Export, "--data", "sprites", "--image", "7", "--out", Folder["traversed.png"]);

        var (_, shape, data) = Npy.Read(File.ReadAllBytes(Folder["traversed.npy"]), "traversed.npy");
        Assert.That(shape, Is.EqualTo((long[])[10, 1, 64, 64]));
        Assert.That(data[(2 * 4096)..(3 * 4096)].ToArray(), Is.EqualTo(data[(7 * 4096)..(8 * 4096)].ToArray()), "both lines pass through 0");
        Assert.That(data[..4096].ToArray(), Is.Not.EqualTo(data[(4 * 4096)..(5 * 4096)].ToArray()), "a latent changes the image");
        Assert.That(File.Exists(Folder["traversed.png"]));
    }

    [Test]
    public void Interpolate_BetweenTwoImages_BeginsAndEndsWithTheirReconstructions([Values("spherical", "linear")] string path)
    {
        Support.Cli.Succeed("interpolate", Run.Export, "--data", "sprites", "--from", "0", "--to", "2", "--steps", "6", "--path", path, "--out", Folder[$"{path}.npy"]);
        Support.Cli.Succeed("reconstruct", Run.Export, "--data", "sprites", "--count", "3", "--out", Folder["reconstructed.npy"]);

        byte[] between = Pixels($"{path}.npy"), reconstructed = Pixels("reconstructed.npy");
        Assert.That(between, Has.Length.EqualTo(6 * 4096));
        Assert.That(LargestDifference(between[..4096], reconstructed[..4096]), Is.LessThanOrEqualTo(1));
        Assert.That(LargestDifference(between[(5 * 4096)..], reconstructed[(2 * 4096)..]), Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Train_OfLearnedPrior_DrawsItsSamplesFromIt()
    {
        Support.Cli.Succeed("generate", Path.Combine(Run.Export, "decoder.onnx"), "--prior", "model", "--count", "48", "--out", Folder["samples"], "--grid", Folder["samples.png"]);

        Assert.That(File.ReadAllBytes(Folder["samples.png"]), Is.EqualTo(File.ReadAllBytes(Path.Combine(Run.Samples, "samples-000000100.png"))));
    }

    [Test]
    public void Export_OverAnotherModel_TakesAwayWhatBelongedToIt()
    {
        Support.Cli.Succeed("export", Coder.Path, "--out", Folder["export"]);
        File.WriteAllText(Folder["export/mixture.onnx"], "");

        Support.Cli.Succeed("export", Run.Path, "--out", Folder["export"]);

        Assert.That(
            Directory.GetFiles(Folder["export"]).Select(Path.GetFileName), Is.EquivalentTo((string[])["encoder.onnx", "decoder.onnx", "scorer.onnx", "prior.onnx"]));
    }

    [Test]
    public void Fit_OfRoundedLatents_Refuses()
    {
        var (exitCode, _, error) = Support.Cli.Run("fit", Coder.Path);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("has rounded latents, which have a density of their own: 'generate' draws from it."));
    }

    // A posterior without a variance has no information to estimate, and latents are active by their whole numbers.
    [Test]
    public void Evaluate_OfRoundedLatents_LeavesOutWhatTheyDoNotHave()
    {
        var figures = JsonNode.Parse(File.ReadAllText(Coder.Evaluation))!.AsObject();

        Assert.That(figures.Select(entry => entry.Key), Has.None.EqualTo("mutualInformation").And.None.EqualTo("negativeLogLikelihood").And.None.EqualTo("importanceSamples"));
        Assert.That((double)figures["rateBitsPerDimension"]!, Is.EqualTo((double)figures["rate"]! / (4096 * Math.Log(2))).Within(1e-9));
        Assert.That((int)figures["activeUnits"]!, Is.InRange(1, 6));
    }

    [Test]
    public void Fit_WritesAMixtureThatGenerateDrawsFrom()
    {
        string output = Support.Cli.Succeed("fit", Run.Path, "--components", "5", "--images", "2000");
        string decoder = Path.Combine(Run.Export, "decoder.onnx");
        foreach (string prior in (string[])["mixture", "model", "standard-normal"])
        {
            Support.Cli.Succeed("generate", decoder, "--prior", prior, "--count", "30", "--out", Folder[$"{prior}.npy"]);
            Support.Cli.Succeed("generate", decoder, "--prior", prior, "--count", "30", "--batch", "7", "--shard", "1/3", "--out", Folder[$"{prior}.npy"]);
        }

        Assert.That(output, Does.Contain("5 components, mean ln P(z)"));
        Assert.That(Pixels("mixture.npy"), Is.Not.EqualTo(Pixels("standard-normal.npy")).And.Not.EqualTo(Pixels("model.npy")));
        Assert.That(Pixels("mixture-1-of-3.npy"), Is.EqualTo(Pixels("mixture.npy")[(10 * 4096)..(20 * 4096)]), "image k depends on the seed and on k alone");
        Assert.That(Pixels("model-1-of-3.npy"), Is.EqualTo(Pixels("model.npy")[(10 * 4096)..(20 * 4096)]));
    }

    [Test]
    public void Train_WithAMixture_ExportsItAndShowsItsSamples()
    {
        var run = new RunFolder(Folder["with mixture"]);
        Support.Cli.Succeed("train", "--model", "mlp", "--hidden", "32", "--latent", "4", "--steps", "20", "--mixture", "3", "--importance-samples", "0", "--out", run.Path);

        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = run.Path;
        try
        {
            using var decoder = VaeDecoder.Load("export/decoder.onnx");
            using var mixture = LatentPrior.Load("export/mixture.onnx");
            float[] images = decoder.Generate(count: 16, seed: 1, prior: mixture);
            Assert.That(images, Is.Not.EqualTo(decoder.Generate(count: 16, seed: 1)).And.Length.EqualTo(16 * 4096));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }

        Assert.That(File.Exists(Path.Combine(run.Samples, "mixture-000000020.png")));
        Assert.That(File.ReadAllText(run.Report), Does.Contain("Samples: latents drawn from the fitted mixture, decoded"));
    }

    // The file is as long as the rate says, and its images are those of the rounded latents.
    [Test]
    public void Compress_TakesTheReportedRate_AndDecompressGivesTheSameImages()
    {
        var figures = JsonNode.Parse(File.ReadAllText(Coder.Evaluation))!;
        Support.Cli.Succeed("compress", Coder.Export, "--data", "sprites", "--split", "test", "--out", Folder["test.latents"]);
        Support.Cli.Succeed("decompress", Coder.Export, Folder["test.latents"], "--out", Folder["decompressed.npy"]);
        Support.Cli.Succeed("reconstruct", Coder.Export, "--data", "sprites", "--split", "test", "--out", Folder["all.npy"]);

        double expectedBytes = (double)figures["rate"]! / Math.Log(2) * (long)figures["images"]! / 8;
        Assert.That(new FileInfo(Folder["test.latents"]).Length, Is.EqualTo(expectedBytes).Within(1).Percent);
        Assert.That(Pixels("decompressed.npy"), Is.EqualTo(Pixels("all.npy")));

        // The same bytes whatever is decoded together.
        Support.Cli.Succeed("decompress", Coder.Export, Folder["test.latents"], "--shard", "1/3", "--threads", "1", "--batch", "1", "--out", Folder["part.npy"]);
        byte[] whole = Pixels("decompressed.npy"), part = Pixels("part-1-of-3.npy");
        long images = whole.Length / 4096;
        Assert.That(part, Is.EqualTo(whole[(int)(images / 3 * 4096)..(int)(images * 2 / 3 * 4096)]));
    }

    [Test]
    public void Decompress_OfDamagedFile_LeavesNothingBehind()
    {
        Support.Cli.Succeed("compress", Coder.Export, "--data", "sprites", "--split", "test", "--out", Folder["cut.latents"]);
        File.WriteAllBytes(Folder["cut.latents"], File.ReadAllBytes(Folder["cut.latents"])[..100]);

        var (exitCode, _, error) = Support.Cli.Run("decompress", Coder.Export, Folder["cut.latents"], "--out", Folder["cut.npy"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("The coded latents end too early: the file is cut off."));
        Assert.That(File.Exists(Folder["cut.npy"]), Is.False);
    }

    [TestCase("0/1")]
    [TestCase("0/3")]
    public void Decompress_OfFileWithAChangedByte_LeavesNoImageBehind(string shard)
    {
        string file = Folder[$"changed-{shard[2]}.latents"], output = Folder[$"changed-{shard[2]}"];
        Support.Cli.Succeed("compress", Coder.Export, "--data", "sprites", "--split", "test", "--out", file);
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(file, bytes);

        var (exitCode, _, error) = Support.Cli.Run("decompress", Coder.Export, file, "--shard", shard, "--out", output);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(Directory.Exists(output), Is.False);
    }

    private static byte[] Pixels(string name) => Npy.Read(File.ReadAllBytes(Folder[name]), name).Data.ToArray();

    private static int LargestDifference(byte[] a, byte[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();
}
