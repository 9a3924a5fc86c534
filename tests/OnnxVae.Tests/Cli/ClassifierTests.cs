using System.Text.Json.Nodes;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>A classifier next to a run, from the command line to its file.</summary>
internal sealed class ClassifierTests : FolderFixture
{
    private const int Side = 16, Classes = 4;

    [SetUp]
    public void Train()
    {
        Directory.CreateDirectory(Folder["data"]);
        WriteNoise("train", 2000, seed: 1);
        WriteNoise("t10k", 300, seed: 2);
        Support.Cli.Succeed("train", "--data", Folder["data"], "--model", "mlp", "--hidden", "32", "--latent", "4", "--steps", "20", "--out", Folder["run"]);
    }

    [Test]
    public void Classifier_RecognisesClasses_AndContinuesWhereItStopped()
    {
        string[] command = ["classifier", Folder["run"], "--steps", "200", "--checkpoint-every", "100", "--threads", "2"];
        var figures = JsonNode.Parse(Support.Cli.Succeed([.. command, "--json"]))!;
        double accuracy = (double)figures["accuracy"]!;
        Assert.That(accuracy, Is.GreaterThan(0.9), "a quarter of the images is of each class");
        Assert.That((double)figures["trainAccuracy"]!, Is.EqualTo(accuracy).Within(0.05));
        Assert.That((double)figures["crossEntropy"]!, Is.InRange(1e-3, 0.3));
        Assert.That(figures["rate"], Is.Null);

        var run = new RunFolder(Folder["run/classifier"]);
        byte[] expected = File.ReadAllBytes(run.NewestCheckpoint());
        File.Delete(run.NewestCheckpoint());
        Support.Cli.Succeed(command);
        Assert.That(File.ReadAllBytes(run.NewestCheckpoint()), Is.EqualTo(expected), "continued");

        var test = ImageData.Open(Folder["data"]).Test;
        using var decoder = VaeDecoder.Load(Folder["run/export/decoder.onnx"]);
        using var classifier = ImageClassifier.Load(Folder["run/export/classifier.onnx"], decoder.Metadata);
        float[] probabilities = classifier.Probabilities(ReconstructionGrid.ReadImages(test, 0, (int)test.Count));
        double recognised = Enumerable.Range(0, (int)test.Count).Average(n =>
        {
            float[] ofImage = probabilities[(n * Classes)..((n + 1) * Classes)];
            return ofImage[test.LabelOf(n)] == ofImage.Max() ? 1.0 : 0.0;
        });
        Assert.That(recognised, Is.EqualTo(accuracy).Within(1e-9), "the exported file");
    }

    [Test]
    public void Classifier_ContinuedWithoutAnOption_IsRefused()
    {
        Support.Cli.Succeed("classifier", Folder["run"], "--model", "mlp", "--hidden", "8", "--steps", "5");

        var (exitCode, _, error) = Support.Cli.Run("classifier", Folder["run"], "--model", "mlp", "--steps", "5");

        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((2, $"onnxvae: --hidden is not given, but '{Folder["run/classifier"]}' was started with 8: give the same options to continue, or delete the folder to start over.")));
    }

    [Test]
    public void Classifier_WithoutItsOptions_KeepsWhatWasTrained()
    {
        Support.Cli.Succeed("classifier", Folder["run"], "--model", "mlp", "--steps", "5");
        File.Delete(Folder["run/classifier/options.json"]);

        var (exitCode, _, error) = Support.Cli.Run("classifier", Folder["run"], "--model", "mlp", "--steps", "5");

        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, $"onnxvae: '{Folder["run/classifier"]}' has checkpoints, but no '{Folder["run/classifier/options.json"]}': put that back, or delete the folder to start over.")));
        Assert.That(new RunFolder(Folder["run/classifier"]).HasCheckpoint);
    }

    [Test]
    public void WrongUse_IsExplained()
    {
        Support.Cli.Succeed("classifier", Folder["run"], "--model", "mlp", "--hidden", "8", "--steps", "5");
        var (exitCode, _, error) = Support.Cli.Run("classifier", Folder["run"], "--model", "mlp", "--hidden", "9", "--steps", "5");
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: --hidden is 9, but '{Folder["run/classifier"]}' was started with 8: give the same options to continue, or delete the folder to start over."));

        (exitCode, _, error) = Support.Cli.Run("evaluate", Folder["run/classifier"]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, $"onnxvae: '{Folder["run/classifier"]}' is a run of kind 'classifier', expected 'autoencoder': give the run that it belongs to, '{Folder["run"]}'.")));

        using (var file = File.Create(Folder["plain.npy"]))
        {
            Npy.WriteHeader(file, "|u1", 40, 16, 16);
            file.Write(new byte[40 * 256]);
        }

        Support.Cli.Succeed("train", "--data", Folder["plain.npy"], "--model", "mlp", "--hidden", "8", "--batch", "8", "--steps", "2", "--out", Folder["plain"]);
        (exitCode, _, error) = Support.Cli.Run("classifier", Folder["plain"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith("onnxvae: The examples have no labels, but the model takes them:"));
        Assert.That(Directory.Exists(Folder["plain/classifier"]), Is.False);
    }

    // Noise; the class is the quadrant that is a little brighter.
    private void WriteNoise(string split, int count, int seed)
    {
        var random = new Random(seed);
        using FileStream images = File.Create(Folder[$"data/{split}-images-idx3-ubyte"]), labels = File.Create(Folder[$"data/{split}-labels-idx1-ubyte"]);
        images.Write([0, 0, 8, 3, 0, 0, (byte)(count >> 8), (byte)count, 0, 0, 0, Side, 0, 0, 0, Side]);
        labels.Write([0, 0, 8, 1, 0, 0, (byte)(count >> 8), (byte)count]);
        for (int n = 0; n < count; n++)
        {
            int label = random.Next(Classes);
            labels.WriteByte((byte)label);
            for (int i = 0; i < Side * Side; i++)
            {
                bool isInside = (i / Side >= Side / 2 ? 2 : 0) + (i % Side >= Side / 2 ? 1 : 0) == label;
                images.WriteByte((byte)(random.Next(150) + (isInside ? 20 : 0)));
            }
        }
    }
}
