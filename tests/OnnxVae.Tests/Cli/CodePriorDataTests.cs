using System.Text.Json.Nodes;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using SkiaSharp;

namespace OnnxVae.Tests.Cli;

/// <summary>Priors of codes on images without classes, and on classes of different size.</summary>
internal sealed class CodePriorDataTests : FolderFixture
{
    private const int Bright = 20, Dark = 180;

    private static readonly string[] Model =
        ["--model", "vqvae", "--codes", "16", "--code-length", "4", "--width", "16", "--residual-width", "8", "--batch", "16", "--likelihood", "gaussian", "--sigma", "0.1", "--learning-rate", "3e-3", "--importance-samples", "0", "--threads", "2"];

    private static readonly string[] Prior = ["--level", "bottom", "--width", "16", "--depth", "1", "--heads", "2", "--warm-up", "10", "--threads", "2"];

    [Test]
    public void Prior_OfImagesWithoutClasses_IsTrainedAndDrawnFrom()
    {
        WriteImages(Folder["data"], Bright, 200);
        WriteImages(Folder["data/more"], 20, 40);
        string run = Folder["run"];

        string trained = Support.Cli.Succeed(["train", "--data", Folder["data"], .. Model, "--steps", "20", "--out", run]);
        var (exitCode, warned, error) = Support.Cli.Run("generate", run, "--count", "2", "--out", Folder["before.npy"]);
        string prior = Support.Cli.Succeed(["prior", run, .. Prior, "--steps", "20"]);
        Support.Cli.Succeed("generate", run, "--count", "4", "--out", Folder["after.npy"]);

        Assert.That(trained, Does.Contain($"Next      onnxvae prior {run} --level bottom"));
        Assert.That((exitCode, error), Is.EqualTo((0, $"There is no prior of codes in '{Path.Combine(run, "export")}', so codes are drawn uniformly: train one with 'onnxvae prior RUN --level bottom'.\n")));
        Assert.That(prior, Does.Contain("priorNllPerCode").And.Contain($"Next      onnxvae generate {run} --count 64 --out {run}/images --grid {run}/images.png"));
        Assert.That(Support.Cli.Run("generate", run, "--class", "cat", "--out", Folder["c.npy"]).Error, Does.Contain("There is no class 'cat'; the prior was trained on images without classes."));
        Assert.That(Support.Cli.Succeed("evaluate", run), Does.Contain("priorRate").And.Not.Contain("priorRateWithoutClass"));
    }

    // Nine in ten images are dark. Whoever asks for no class gets as many, and pays ln of its share for each.
    [Test]
    public void Prior_OfClassesOfDifferentSize_IsDrawnFromByTheirShare()
    {
        WriteImages(Folder["data/dark"], Dark, 30);
        WriteImages(Folder["data/light"], Bright, 220);
        string run = Folder["run"];
        Support.Cli.Succeed(["train", "--data", Folder["data"], .. Model, "--steps", "300", "--out", run]);
        string prior = Support.Cli.Succeed(["prior", run, .. Prior, "--learning-rate", "1e-2", "--label-dropout", "0", "--steps", "200"]);

        Support.Cli.Succeed("generate", run, "--count", "400", "--out", Folder["any.npy"]);
        Support.Cli.Succeed("generate", run, "--class", "light", "--count", "40", "--out", Folder["light.npy"]);
        var figures = JsonNode.Parse(Support.Cli.Succeed("evaluate", run, "--split", "all", "--json"))!;

        Assert.That(prior, Does.Contain($"Next      onnxvae generate {run} --class dark --count 64"));
        Assert.That(ShareOfLight("light.npy"), Is.GreaterThan(0.9));
        Assert.That(ShareOfLight("any.npy"), Is.EqualTo(0.1).Within(0.06));
        double given = (double)figures["priorRate"]!, without = (double)figures["priorRateWithoutClass"]!;
        Assert.That((int)figures["priorRateWithoutClassImages"]!, Is.EqualTo(Bright + Dark));
        Assert.That(without - given, Is.InRange(0, Math.Log(10)), "at most -ln of the smallest share");
        Assert.That(without - given, Is.EqualTo(-((0.1 * Math.Log(0.1)) + (0.9 * Math.Log(0.9)))).Within(0.1), "the entropy of the class, which the codes tell");
    }

    private double ShareOfLight(string file)
    {
        var (_, shape, data) = Npy.Read(File.ReadAllBytes(Folder[file]), file);
        return data.ToArray().Chunk((int)(shape[1] * shape[2] * shape[3])).Average(image => image.Average(pixel => (double)pixel) > 125 ? 1.0 : 0);
    }

    // Squares of 16 pixels a side, all of nearly the same gray.
    private static void WriteImages(string folder, int count, byte gray)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < count; i++)
        {
            using var bitmap = new SKBitmap(16, 16, SKColorType.Gray8, SKAlphaType.Opaque);
            bitmap.GetPixelSpan().Fill((byte)(gray + (i % 7)));
            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(Path.Combine(folder, $"{i:000}.png"), png.ToArray());
        }
    }
}
