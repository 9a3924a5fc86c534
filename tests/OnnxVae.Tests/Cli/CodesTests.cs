using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Inference;
using OnnxVae.Inference.Codes;
using OnnxVae.Tests.Support;
using OnnxVae.Training;
using OnnxVae.Training.Data;

namespace OnnxVae.Tests.Cli;

/// <summary>Models whose latents are codes, from the command line to files.</summary>
internal sealed class CodesTests : FolderFixture
{
    private const int Codes = 32, Positions = (4 * 4) + (2 * 2);

    private static readonly string[] Options =
        ["--data", "sprites", "--image-size", "16", "--codes", $"{Codes}", "--code-length", "8", "--width", "16", "--residual-width", "8", "--batch", "32", "--learning-rate", "3e-3", "--threads", "2"];

    private static readonly TemporaryFolder Trained = new();
    private static readonly RunFolder Run = new(Trained["run"]);

    [OneTimeSetUp]
    public void Train() => Support.Cli.Succeed(["train", .. Options, "--model", "vqvae2", "--steps", "600", "--checkpoint-every", "300", "--out", Run.Path]);

    [OneTimeTearDown]
    public void Delete() => Trained.Dispose();

    [Test]
    public void Figures_CountTheCodesOfBothLevels()
    {
        var figures = JsonNode.Parse(File.ReadAllText(Run.Evaluation))!;

        Assert.That((double)figures["rate"]!, Is.EqualTo(Positions * Math.Log(Codes)).Within(1e-3), "all codes equally likely");
        Assert.That((double)figures["rateBitsPerDimension"]!, Is.EqualTo(Positions * 5.0 / 256).Within(1e-5));
        Assert.That((double)figures["meanSquaredError"]!, Is.LessThan(0.02), "the images' variance is 0.045");
        Assert.That((double)figures["meanSquaredErrorTopExchanged"]!, Is.GreaterThan((double)figures["meanSquaredError"]!));
        foreach (string level in (string[])["Top", "Bottom"])
        {
            double usage = (double)figures[$"usage{level}"]!, perplexity = (double)figures[$"perplexity{level}"]!;
            Assert.That(usage, Is.GreaterThan(0.2).And.LessThanOrEqualTo(1));
            Assert.That(perplexity, Is.GreaterThan(1.5).And.LessThanOrEqualTo(usage * Codes));
        }

        Assert.That(figures["activeUnits"], Is.Null);
        Assert.That(File.Exists(Run.Report));
    }

    // The figures once more, from the exported files alone.
    [Test]
    public void Export_EncodesToCodes_WhichGiveTheFigures()
    {
        using var vae = TrainedVae.Load(Run.Export);
        var test = ImageData.Open("sprites", new ImageOptions(Size: (16, 16))).Test;
        var figures = JsonNode.Parse(File.ReadAllText(Run.Evaluation))!;
        var counts = new int[Codes];
        double squaredError = 0;
        for (long first = 0; first < test.Count; first += 50)
        {
            float[] images = OnnxVae.Training.Reports.ReconstructionGrid.ReadImages(test, first, (int)Math.Min(50, test.Count - first));
            float[] codes = vae.Encoder.Encode(images).Mean;
            Assert.That(codes, Is.All.InRange(0, Codes - 1).And.All.Matches<float>(code => code == MathF.Round(code)));
            foreach (float[] row in codes.Chunk(Positions))
            {
                Array.ForEach(row[..4], code => counts[(int)code]++);
            }

            squaredError += vae.Decoder.Decode(codes).Zip(images, (a, b) => (double)(a - b) * (a - b)).Sum();
        }

        Assert.That(vae.Decoder.Metadata.CodeGrids, Is.EqualTo((CodeGrid[])[new(Codes, 2, 2), new(Codes, 4, 4)]));
        Assert.That(counts.Count(count => count > 0) / (double)Codes, Is.EqualTo((double)figures["usageTop"]!).Within(1e-9));
        Assert.That(squaredError / test.Count / 256, Is.EqualTo((double)figures["meanSquaredError"]!).Within(10).Percent, "exported images stay within [0, 1]");
    }

    [Test]
    public void Verbs_WorkOnCodes()
    {
        string export = Run.Export;
        Support.Cli.Succeed("encode", Path.Combine(export, "encoder.onnx"), "--data", "sprites", "--split", "test", "--values", "mean", "--out", Folder["codes.npy"]);
        Support.Cli.Succeed("reconstruct", export, "--data", "sprites", "--count", "20", "--out", Folder["images"], "--grid", Folder["grid.png"]);
        Support.Cli.Succeed("generate", Path.Combine(export, "decoder.onnx"), "--count", "9", "--out", Folder["samples.npy"]);
        Support.Cli.Succeed("inspect", Run.Path);

        var (_, shape, data) = Npy.Read(File.ReadAllBytes(Folder["codes.npy"]), "codes.npy");
        Assert.That(shape[1], Is.EqualTo(Positions));
        Assert.That(MemoryMarshal.Cast<byte, float>(data.Span).ToArray(), Is.All.InRange(0, Codes - 1));
        Assert.That(Directory.GetFiles(Folder["images"], "*.png"), Has.Length.EqualTo(20));
    }

    [Test]
    public void Prior_OfBothLevels_GeneratesImagesOfAClass()
    {
        foreach (string file in Directory.GetFiles(Run.Export))
        {
            Directory.CreateDirectory(Folder["run/export"]);
            File.Copy(file, Folder[$"run/export/{Path.GetFileName(file)}"]);
        }

        foreach (string folder in (string[])["package", "checkpoints"])
        {
            Directory.CreateDirectory(Folder[$"run/{folder}"]);
            Array.ForEach(Directory.GetFiles(Path.Combine(Run.Path, folder)), file => File.Copy(file, Folder[$"run/{folder}/{Path.GetFileName(file)}"]));
        }

        File.Copy(Run.Options, Folder["run/options.json"]);
        string decoder = Folder["run/export/decoder.onnx"], run = Folder["run"];
        string[] small = ["--width", "32", "--depth", "2", "--batch", "64", "--threads", "2"];
        foreach (string level in (string[])["top", "bottom"])
        {
            string[] command = ["prior", run, "--level", level, .. small, "--steps", "300", "--checkpoint-every", "100"];
            string said = Support.Cli.Succeed([.. command, "--json"]);
            var figures = JsonNode.Parse(said)!;
            double test = (double)figures["priorNllPerCode"]!, uniform = (double)figures["uniformNllPerCode"]!;
            Assert.That(uniform, Is.EqualTo(Math.Log(Codes)).Within(1e-6));
            Assert.That(test, Is.LessThan(0.7 * uniform).And.EqualTo((double)figures["trainPriorNllPerCode"]!).Within(5).Percent);

            var prior = new RunFolder(Path.Combine(run, $"prior-{level}"));
            byte[] expected = File.ReadAllBytes(prior.NewestCheckpoint());
            File.Delete(prior.NewestCheckpoint());
            Support.Cli.Succeed(command);
            Assert.That(File.ReadAllBytes(prior.NewestCheckpoint()), Is.EqualTo(expected), "continued");
        }

        AssertRateUnderThePriors(run);

        string[] generate = ["generate", decoder, "--count", "300", "--seed", "5", "--class", "heart", "--temperature", "0.8"];
        Support.Cli.Succeed([.. generate, "--out", Folder["hearts.npy"]]);
        Support.Cli.Succeed([.. generate, "--shard", "1/2", "--threads", "1", "--out", Folder["part.npy"]]);
        Support.Cli.Succeed("generate", decoder, "--count", "300", "--seed", "5", "--class", "square", "--out", Folder["squares.npy"]);
        byte[] hearts = Pixels("hearts.npy");
        Assert.That(Pixels("part-1-of-2.npy"), Is.EqualTo(hearts[(150 * 256)..]), "image k depends on the seed and on k alone");
        Assert.That(Pixels("squares.npy"), Is.Not.EqualTo(hearts));
        using (var vae = VqVae.Load(Folder["run/export"]))
        {
            float[] images = vae.Generate(count: 64, seed: 5, new CodeSampling("heart", Temperature: 0.8));
            Assert.That(images.Zip(hearts, (image, pixel) => Math.Abs(image - (pixel / 255f))).Max(), Is.LessThan(0.003), "as the job");
            float[][] alone = [.. Enumerable.Range(0, 64).Select(k => vae.Generate(count: 1, seed: 5, new CodeSampling("heart", Temperature: 0.8), first: k))];
            Assert.That(alone.SelectMany(image => image), Is.EqualTo(images).Within(1e-5), "image by image");
            Assert.That(vae.Decode(vae.Encode(images.AsSpan(0, 3 * 256))), Has.Length.EqualTo(3 * 256));
            Assert.That(vae.Classes, Is.EqualTo((string[])["square", "ellipse", "heart"]));
            Assert.That(() => vae.Decode([0, 1, 2, 99], new int[16]), Throws.ArgumentException.With.Message.EqualTo("Code 3 of level 0 is 99; codes go from 0 to 31."));
            Assert.That(() => vae.Decode(new int[4]), Throws.ArgumentException.With.Message.EqualTo("There are codes of 1 levels; the model has 2."));
        }

        using (var vae = VqVae.Load(Run.Export))
        {
            Assert.That(() => vae.Generate(1, 1), Throws.InvalidOperationException.With.Message.StartsWith("There is no prior beside the decoder"));
        }

        // A classifier for which images are the more a heart, the brighter they are: of three candidates the brightest is kept.
        WriteBrightness(Folder["brightness.onnx"]);
        string[] select = ["generate", decoder, "--seed", "5", "--class", "heart", "--temperature", "0.8", "--classifier", Folder["brightness.onnx"], "--candidates", "3"];
        string report = Support.Cli.Succeed([.. select, "--count", "100", "--out", Folder["bright.npy"]]);
        byte[] bright = Pixels("bright.npy");
        Assert.That(
            bright.Chunk(256).Select(image => image.Sum(pixel => pixel)),
            Is.EqualTo(hearts.Chunk(256).Select(image => image.Sum(pixel => pixel)).Chunk(3).Select(sums => sums.Max())).Within(20));
        Assert.That(report, Does.Contain("Kept 1 of 3 candidates; the classifier takes "));
        Support.Cli.Succeed([.. select, "--count", "100", "--shard", "1/2", "--out", Folder["b.npy"]]);
        Assert.That(Pixels("b-1-of-2.npy"), Is.EqualTo(bright[(50 * 256)..]));

        Assert.That(hearts.Average(pixel => pixel / 255.0), Is.InRange(0.02, 0.3), "shapes on black");

        var (exitCode, _, error) = Support.Cli.Run("generate", decoder, "--class", "circle", "--out", Folder["x.npy"]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, "onnxvae: There is no class 'circle'; known are square, ellipse, heart.")));
        (exitCode, _, error) = Support.Cli.Run(["prior", run, "--level", "top", .. small, "--steps", "301"]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: '{Folder["run/prior-top"]}' was trained with other options: give the same ones to continue, or delete the folder."));
    }

    [Test]
    public void Prior_OfTheOnlyLevel_IsTheBottomOne()
    {
        Support.Cli.Succeed(["train", .. Options, "--model", "vqvae", "--steps", "60", "--out", Folder["run"]]);

        var (exitCode, _, error) = Support.Cli.Run("prior", Folder["run"], "--level", "top");
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((2, "onnxvae: --level is top, but the run has one level of codes: give --level bottom.")));

        Support.Cli.Succeed("prior", Folder["run"], "--level", "bottom", "--width", "16", "--depth", "1", "--steps", "20");
        using (var vae = VqVae.Load(Folder["run/export"]))
        {
            Assert.That(vae.Generate(count: 3, seed: 1, new CodeSampling("square")), Has.Length.EqualTo(3 * 256).And.None.NaN);
        }

        AssertDisposalWaits(CodePrior.Load(Folder["run/export"]));
    }

    // Draws that have begun end well, later ones are refused.
    private static void AssertDisposalWaits(CodePrior prior)
    {
        var outcomes = new ConcurrentBag<string>();
        Thread[] callers = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            try
            {
                while (true)
                {
                    prior.With(new CodeSampling("heart")).Draw(1, 0, new float[9 * prior.LatentSize]);
                }
            }
            catch (Exception e)
            {
                outcomes.Add(e.Message);
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Thread.Sleep(50);

        prior.Dispose();
        Array.ForEach(callers, caller => caller.Join());

        Assert.That(outcomes, Has.Count.EqualTo(4).And.All.StartsWith("The prior was disposed: keep it as long as it is used."));
    }

    [Test]
    public void Generate_OfAClassWithoutPrior_SaysHowToTrainIt()
    {
        var (exitCode, _, error) = Support.Cli.Run("generate", Path.Combine(Run.Export, "decoder.onnx"), "--class", "heart", "--out", Folder["x.npy"]);

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error.TrimEnd(), Is.EqualTo($"onnxvae: There is no '{Path.Combine(Run.Export, "prior_bottom.onnx")}': train it with 'onnxvae prior RUN --level bottom'."));
    }

    [Test]
    public void Train_StoppedAndResumed_EndsWithTheSameBytes([Values("vqvae", "vqvae2")] string model, [Values("moving-average", "gradient", "finite-scalar")] string quantizer)
    {
        string[] command = quantizer == "finite-scalar"
            ? ["train", .. Options[..4], .. Options[8..], "--scalar-levels", "4,3"] : ["train", .. Options];
        command = [.. command, "--model", model, "--quantizer", quantizer, "--steps", "40", "--checkpoint-every", "20"];
        Support.Cli.Succeed([.. command, "--out", Folder["whole"]]);
        Support.Cli.Succeed([.. command, "--out", Folder["parts"]]);
        var parts = new RunFolder(Folder["parts"]);
        byte[] expected = File.ReadAllBytes(new RunFolder(Folder["whole"]).NewestCheckpoint());
        Assert.That(File.ReadAllBytes(parts.NewestCheckpoint()), Is.EqualTo(expected), "the same seed");

        File.Delete(parts.NewestCheckpoint());
        Support.Cli.Succeed("train", "--resume", "--out", parts.Path);

        Assert.That(File.ReadAllBytes(parts.NewestCheckpoint()), Is.EqualTo(expected));
    }

    // The rate that the priors' own figures add up to; without one of them there is none.
    private static void AssertRateUnderThePriors(string run)
    {
        double Of(string level) => (double)JsonNode.Parse(File.ReadAllText(new RunFolder(Path.Combine(run, $"prior-{level}")).Evaluation))!["rate"]!;
        var figures = JsonNode.Parse(Support.Cli.Succeed("evaluate", run, "--json"))!;
        double rate = Of("top") + Of("bottom");
        Assert.That((double)figures["priorRate"]!, Is.EqualTo(rate).Within(1e-6).Percent.And.LessThan(0.7 * (double)figures["rate"]!));
        Assert.That((double)figures["priorNllPerCode"]!, Is.EqualTo(rate / Positions).Within(1e-6).Percent);
        Assert.That((double)figures["priorNllPerCodeTop"]!, Is.EqualTo(Of("top") / 4).Within(1e-4).Percent);
        Assert.That((double)figures["priorRateBitsPerDimension"]!, Is.EqualTo(rate / (256 * Math.Log(2))).Within(1e-6).Percent);

        File.Move(Path.Combine(run, "export/prior_top.onnx"), Path.Combine(run, "away"));
        Assert.That(JsonNode.Parse(Support.Cli.Succeed("evaluate", run, "--json"))!["priorRate"], Is.Null);
        File.Move(Path.Combine(run, "away"), Path.Combine(run, "export/prior_top.onnx"));
    }

    private static void WriteBrightness(string file)
    {
        var image = Value.Input("image", ElementType.Float32, [Shape.Batch, 1, 16, 16]);
        var sum = Ops.ReduceSum(image, [2, 3]);
        OnnxModelWriter.Build("brightness", [image], [("logits", Ops.Concat(1, 0f * sum, 0f * sum, 0.1f * sum))]).Save(file);
    }

    private byte[] Pixels(string file) => Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.ToArray();

    [TestCase("train --model vqvae2 --image-size 20 --out {0}/x", 1, "The images have 20 x 20 pixels, but a model with two levels of codes takes multiples of 8: give --image-size, --image-size 24 for instance.")]
    [TestCase("train --model vqvae --latent 3 --out {0}/x", 2, "--latent cannot be given with --model vqvae: its latents are codes.")]
    [TestCase("sweep --model vqvae --betas 1,2 --out {0}/x", 2, "A sweep cannot be given with --model vqvae: its rate is fixed by the number of codes.")]
    [TestCase("train --codes 64 --out {0}/x", 2, "--codes cannot be given with --model conv: it is for vqvae and vqvae2, whose latents are codes.")]
    [TestCase("train --model vqvae --quantizer nearest --out {0}/x", 2, "--quantizer is 'nearest'; known are moving-average, gradient, finite-scalar. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --quantizer finite-scalar --scalar-levels 8,1 --out {0}/y", 1, "The levels are [8, 1]; expected one or more numbers from 2.")]
    [TestCase("generate {1}/export/decoder.onnx --classifier x.onnx --out {0}/x.npy", 2, "--classifier needs --class: what is kept is what looks like an image of that class.")]
    [TestCase("interpolate {1}/export --data sprites --out {0}/x.png", 1, "The model's latents are codes, and between two codes there is nothing: this needs a model whose latents are numbers.")]
    [TestCase("fit {1}", 1, "The model's latents are codes, and between two codes there is nothing: this needs a model whose latents are numbers.")]
    public void WrongUse_IsExplained(string arguments, int exitCode, string message)
    {
        var actual = Support.Cli.Run([.. arguments.Split(' ').Select(argument => argument.Replace("{0}", Folder.Path, StringComparison.Ordinal).Replace("{1}", Run.Path, StringComparison.Ordinal))]);

        Assert.That(actual.Error.TrimEnd(), Is.EqualTo($"onnxvae: {message}"));
        Assert.That(actual.ExitCode, Is.EqualTo(exitCode));
    }
}
