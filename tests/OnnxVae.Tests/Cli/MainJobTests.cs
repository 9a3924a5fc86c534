using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>The whole way: train, evaluate, export, generate, encode, reconstruct, inspect.</summary>
internal sealed class MainJobTests
{
    private static readonly TemporaryFolder Folder = new();
    private static readonly RunFolder Sprites = new(Folder["sprites"]);

    [OneTimeSetUp]
    public void Train() => Support.Cli.Succeed("train", "--data", "sprites", "--model", "mlp", "--steps", "60", "--out", Sprites.Path, "--importance-samples", "2", "--checkpoint-every", "30");

    [OneTimeTearDown]
    public void DeleteFolder() => Folder.Dispose();

    [Test]
    public void Train_FillsTheRunFolder()
    {
        string[] files = [Sprites.Options, Sprites.Metrics, Sprites.Evaluation, Sprites.Report, .. Exported("encoder", "decoder")];

        Assert.That(files, Has.All.Matches<string>(File.Exists));
        Assert.That(Directory.GetFiles(Sprites.Samples).Select(Path.GetFileName), Is.SupersetOf((string[])["samples-000000060.png", "reconstructions-000000060.png"]));
        Assert.That(File.ReadAllText(Sprites.Report), Does.Contain("<svg").And.Contain("data:image/png;base64,").And.Not.Contain("href=\"http"));
    }

    [Test]
    public void Evaluate_OfSameSeed_RepeatsTheFiguresOfTraining()
    {
        var figures = JsonNode.Parse(Support.Cli.Succeed("evaluate", Sprites.Path, "--importance-samples", "2", "--json"))!.AsObject();

        Assert.That(JsonNode.DeepEquals(figures, JsonNode.Parse(File.ReadAllText(Sprites.Evaluation))));
        Assert.That((double)figures["negativeElbo"]!, Is.EqualTo((double)figures["rate"]! + (double)figures["distortion"]!).Within(1e-3));
        Assert.That((double)figures["negativeLogLikelihood"]!, Is.LessThan((double)figures["negativeElbo"]!));
        Assert.That((double)figures["marginalKlUpper"]! + (double)figures["mutualInformation"]!, Is.EqualTo((double)figures["rate"]!).Within(0.5));
        Assert.That((long)figures["images"]!, Is.EqualTo(5000));
    }

    [Test]
    public void Export_OfRun_WritesTheSameFilesAsTraining()
    {
        Support.Cli.Succeed("export", Sprites.Path, "--out", Folder["export"]);

        foreach (string file in Exported("encoder", "decoder"))
        {
            Assert.That(File.ReadAllBytes(Path.Combine(Folder["export"], Path.GetFileName(file))), Is.EqualTo(File.ReadAllBytes(file)));
        }
    }

    [Test]
    public void Export_ForTheProcessor_WritesFilesThatGiveTheSameImages()
    {
        Support.Cli.Succeed("export", Sprites.Path, "--out", Folder["fast"], "--for", "cpu");
        Support.Cli.Succeed("generate", Exported("decoder")[0], "--count", "20", "--seed", "3", "--out", Folder["plain.npy"]);
        Support.Cli.Succeed("generate", Path.Combine(Folder["fast"], "decoder.onnx"), "--count", "20", "--seed", "3", "--out", Folder["fast.npy"]);

        byte[] Images(string name) => Npy.Read(File.ReadAllBytes(Folder[name]), name).Data.ToArray();
        Assert.That(Images("fast.npy").Zip(Images("plain.npy")).Max(pair => Math.Abs(pair.First - pair.Second)), Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Generate_InShards_GivesTheFilesOfOneJob()
    {
        string decoder = Exported("decoder")[0];
        Support.Cli.Succeed("generate", decoder, "--count", "10", "--seed", "3", "--out", Folder["one"], "--grid", Folder["grid.png"]);
        Support.Cli.Succeed("generate", decoder, "--count", "10", "--seed", "3", "--out", Folder["shards"], "--shard", "0/3");
        Support.Cli.Succeed("generate", decoder, "--count", "10", "--seed", "3", "--out", Folder["shards"], "--shard", "1/3");
        Support.Cli.Succeed("generate", decoder, "--count", "10", "--seed", "3", "--out", Folder["shards"], "--shard", "2/3");

        string[] names = [.. Directory.GetFiles(Folder["one"], "*.png").Select(Path.GetFileName).Order()!];
        Assert.That(names, Has.Length.EqualTo(10));
        Assert.That(Directory.GetFiles(Folder["shards"], "*.png").Select(Path.GetFileName).Order(), Is.EqualTo(names));
        Assert.That(names.Select(name => File.ReadAllBytes(Path.Combine(Folder["shards"], name))), Is.EqualTo(names.Select(name => File.ReadAllBytes(Path.Combine(Folder["one"], name)))));
        Assert.That(File.Exists(Folder["grid.png"]));
    }

    [Test]
    public void Generate_ToNpy_WritesOneArray()
    {
        Support.Cli.Succeed("generate", Exported("decoder")[0], "--count", "70", "--out", Folder["images.npy"]);

        var (type, shape, _) = Npy.Read(File.ReadAllBytes(Folder["images.npy"]), "images.npy");
        Assert.That(type, Is.EqualTo("|u1"));
        Assert.That(shape, Is.EqualTo((long[])[70, 1, 64, 64]));
    }

    [Test]
    public void Encode_OfImageFolder_WritesLatentsAndNames()
    {
        Support.Cli.Succeed("generate", Exported("decoder")[0], "--count", "5", "--out", Folder["encode me"]);

        Support.Cli.Succeed("encode", Exported("encoder")[0], "--data", Folder["encode me"], "--out", Folder["latents.npy"]);

        Assert.That(Npy.Read(File.ReadAllBytes(Folder["latents.npy"]), "").Shape, Is.EqualTo((long[])[5, 2, 10]));
        Assert.That(File.ReadAllLines(Folder["latents.npy.names.txt"]), Is.EqualTo(Enumerable.Range(0, 5).Select(i => $"{i:00000000}.png")));
    }

    [Test]
    public void Reconstruct_WritesImagesAndGrid()
    {
        Support.Cli.Succeed("reconstruct", Sprites.Export, "--data", "sprites", "--count", "9", "--out", Folder["reconstructed"], "--grid", Folder["pairs.png"]);

        Assert.That(Directory.GetFiles(Folder["reconstructed"], "*.png"), Has.Length.EqualTo(9));
        Assert.That(File.Exists(Folder["pairs.png"]));
    }

    [Test]
    public void Inspect_OfRun_PrintsStatesInputsMetricsAndOperators()
    {
        string output = Inspect(Sprites.Path);

        Assert.That(output, Does.Contain("encoder.1.weight").And.Contain("[400, 4096]").And.Contain("learningRate").And.Contain("StandardNormal")
            .And.Contain("negativeElbo").And.Contain("Gemm").And.Contain("step.onnx"));
    }

    [Test]
    public void Inspect_OfDecoder_PrintsItsBorder() =>
        Assert.That(Inspect(Exported("decoder")[0]), Does.Contain("[N, 10]").And.Contain("[N, 1, 64, 64]").And.Contain("onnxvae.latentSize"));

    [Test]
    public void EveryExportedFile_HasStandardOperatorsOnly() => Assert.That(
        Exported("encoder", "decoder").Select(file => OnnxModel.Load(file).OperatorSets.Single()),
        Is.All.EqualTo(KeyValuePair.Create("ai.onnx", 18L)));

    // The network and settings of the PyTorch VAE example: test -ELBO 105.6 after 10 epochs.
    [Test]
    public void Train_OnMnist_ReachesThePublishedElbo()
    {
        var figures = JsonNode.Parse(Support.Cli.Succeed(
            "train", "--data", DataFolder.Mnist, "--model", "mlp", "--latent", "20", "--batch", "128", "--epochs", "10", "--learning-rate", "1e-3",
            "--out", Folder["mnist-mlp"], "--importance-samples", "0", "--checkpoint-every", "10000", "--json"))!;

        Assert.That((double)figures["negativeElbo"]!, Is.EqualTo(105.6).Within(1.0));
    }

    [Test]
    public void Train_ConvOnMnist_IsBetterThanTheMlp()
    {
        var figures = JsonNode.Parse(Support.Cli.Succeed(
            "train", "--data", DataFolder.Mnist, "--model", "conv", "--latent", "20", "--batch", "128", "--epochs", "4", "--learning-rate", "1e-3",
            "--out", Folder["mnist-conv"], "--importance-samples", "0", "--checkpoint-every", "10000", "--json"))!;

        Assert.That((double)figures["negativeElbo"]!, Is.LessThan(105.6 - 1.0));
    }

    private static string[] Exported(params string[] roles) => [.. roles.Select(role => Path.Combine(Sprites.Export, $"{role}.onnx"))];

    // Tables go to the real console; a process of its own shows them.
    private static string Inspect(string path)
    {
        using var process = Support.Cli.Start("inspect", path);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
