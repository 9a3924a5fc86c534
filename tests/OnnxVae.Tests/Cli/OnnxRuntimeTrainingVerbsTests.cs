using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Cli;

/// <summary>Artifacts of ONNX Runtime Training on the command line, and the way back from its checkpoints.</summary>
internal sealed class OnnxRuntimeTrainingVerbsTests : FolderFixture
{
    private string[] Compile => ["compile", "--data", "sprites", "--image-size", "16", "--model", "mlp", "--hidden", "8", "--latent", "2", "--batch", "4", "--steps", "10", "--format", "onnxruntime-training", "--out", Folder["artifacts"]];

    [Test]
    public void Artifacts_AreWritten_Shown_AndExported()
    {
        string output = Support.Cli.Succeed([.. Compile, "--optimizer", "adamw", "--learning-rate", "0.002"]);
        Assert.That(output, Does.Contain("Artifacts ").And.Contain("training_model.onnx"));
        string checkpoint = Folder["artifacts/checkpoint"];
        Assert.That(Support.Cli.Succeed("inspect", checkpoint), Does.Contain("0.002").And.Contain("encoder.1.weight").And.Contain("trained"));
        Assert.That(Support.Cli.Succeed("inspect", Folder["artifacts/training_model.onnx"]), Does.Contain("lazy_reset_grad").And.Contain("com.microsoft.InPlaceAccumulatorV2"));

        Assert.That(Support.Cli.Succeed("inspect", Folder["artifacts/optimizer_model.onnx"]), Does.Contain("sequence of Float32").And.Contain("com.microsoft.AdamWOptimizer"));

        var start = RuntimeCheckpoint.Load(checkpoint);
        var trained = start.Trained.ToDictionary(entry => entry.Key, entry => Tensor.From<float>(entry.Value.Shape, [.. Numbers.StandardNormal(entry.Value.Shape.ElementCount, 5)]));
        (start with { Trained = trained, Step = 7 }).Save(Folder["trained"]);
        Assert.That(Support.Cli.Succeed("export", Folder["artifacts"], "--checkpoint", Folder["trained"], "--out", Folder["export"]), Does.Contain("decoder.onnx (step 7)"));

        using var vae = TrainedVae.Load(Folder["export"]);
        Assert.That(vae.Decoder.Generate(count: 1, seed: 1), Has.Length.EqualTo(16 * 16));
        (start with { Moments = new Dictionary<string, IReadOnlyList<Tensor>>() }).Save(Folder["parameters"]);
        Assert.That(Support.Cli.Succeed("inspect", Folder["parameters"]), Does.Contain("not saved"));
        Support.Cli.Succeed("train", "--package", Folder["artifacts"], "--data", "sprites", "--image-size", "16", "--steps", "10", "--importance-samples", "0", "--out", Folder["run"]);
        Assert.That(Support.Cli.Run("export", Folder["run"], "--checkpoint", Folder["trained"], "--out", Folder["other"]).Error, Is.EqualTo(
            $"onnxvae: '{Folder["trained"]}' is a checkpoint of ONNX Runtime Training, but '{Folder["run"]}' is a run: name the package with the artifacts that were trained, '{Folder["run/package"]}' if it is the same.\n"));
        Support.Cli.Succeed([.. Compile[..^1], Folder["descent"], "--optimizer", "sgd", "--momentum", "0"]);
    }

    [TestCase("--optimizer rmsprop", "onnxvae: ONNX Runtime Training has no rmsprop: give --optimizer adamw, adam, or sgd with --momentum 0.")]
    [TestCase("--optimizer sgd", "onnxvae: ONNX Runtime Training has plain gradient descent only: give --momentum 0, or --optimizer adamw.")]
    [TestCase("--warm-up 5", "onnxvae: ONNX Runtime Training leaves the course of the learning rate to the program: leave --learning-rate-schedule and --warm-up out.")]
    [TestCase("--clip-gradient 1", "onnxvae: ONNX Runtime Training clips no gradients in these artifacts: leave --clip-gradient out.")]
    [TestCase("--weight-averaging 0.9", "onnxvae: ONNX Runtime Training keeps no averages of parameters: leave --weight-averaging out.")]
    [TestCase("--learning-rate-factors encoder=0.5", "onnxvae: ONNX Runtime Training has one learning rate for all parameters: leave --learning-rate-factors out.")]
    [TestCase("--likelihood gaussian-optimal", "onnxvae: ONNX Runtime Training changes states by gradient only, but 'likelihood.variance' follows the batch: give --quantizer finite-scalar, or another --likelihood than gaussian-optimal.")]
    public void Model_ThatTheFormatCannotHold_IsRefused(string options, string message)
    {
        var (exitCode, _, error) = Support.Cli.Run([.. Compile, .. options.Split(' ')]);

        Assert.That((exitCode, error.Split('\n')[^2]), Is.EqualTo((1, message)));
        Assert.That(Directory.Exists(Folder["artifacts"]), Is.False);
    }

    [Test]
    public void Export_OfAPackage_NeedsItsCheckpoint()
    {
        Support.Cli.Succeed(Compile);

        Assert.That(Support.Cli.Run("export", Folder["artifacts"], "--out", Folder["export"]), Is.EqualTo(
            (2, "", $"onnxvae: '{Folder["artifacts"]}' is a package and holds no trained weights: give --checkpoint, the file that its training session has saved.\n")));
        Assert.That(Support.Cli.Run("export", Folder["artifacts"], "--checkpoint", Folder["none"], "--out", Folder["export"]).Error, Is.EqualTo($"onnxvae: There is no file '{Folder["none"]}'.\n"));
        Assert.That(Support.Cli.Run("export", Folder["artifacts"], "--checkpoint", Folder["artifacts/manifest.json"], "--out", Folder["export"]).Error, Is.EqualTo(
            $"onnxvae: '{Folder["artifacts/manifest.json"]}' is not a checkpoint of ONNX Runtime Training: it does not begin as one.\n"));
        Assert.That(Support.Cli.Run("export", Folder["artifacts"], "--checkpoint", Folder["artifacts/checkpoint"], "--out", Folder["artifacts"]).Error, Is.EqualTo(
            $"onnxvae: '{Folder["artifacts"]}' is the package itself, whose graphs without weights have the same names: give another --out.\n"));
        File.Delete(Folder["artifacts/eval_model.onnx"]);
        Support.Cli.Succeed("export", Folder["artifacts"], "--checkpoint", Folder["artifacts/checkpoint"], "--out", Folder["export"]);
    }
}
