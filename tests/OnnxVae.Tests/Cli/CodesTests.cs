using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Models whose latents are codes, from the command line to files.</summary>
internal sealed class CodesTests : FolderFixture
{
    private const int Codes = 32, Positions = (4 * 4) + (2 * 2);
    private const float BrightnessOfHearts = 25;

    private static readonly string[] Options =
        ["--data", "sprites", "--image-size", "16", "--codes", $"{Codes}", "--code-length", "8", "--width", "16", "--residual-width", "8", "--batch", "32", "--learning-rate", "3e-3", "--threads", "2"];

    private static readonly TemporaryFolder Trained = new();
    private static readonly RunFolder Run = new(Trained["run"]);

    private static readonly RunFolder WithPriors = new(Trained["withPriors"]);

    [OneTimeSetUp]
    public void Train()
    {
        // A seed with which the top level is not left unused.
        Support.Cli.Succeed(["train", .. Options, "--seed", "6", "--model", "vqvae2", "--steps", "600", "--checkpoint-every", "300", "--out", Run.Path]);
        Copy(Run, WithPriors.Path);
        Support.Cli.Succeed(PriorCommand("top"));
        Support.Cli.Succeed(PriorCommand("bottom"));
    }

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

    // 40 images are a batch of 32 and a part of one.
    [Test]
    public void Figures_OfEqualImages_DoNotChangeWhenTheirTopLevelIsExchanged()
    {
        var package = TrainingPackage.Open(Run.Package);
        var states = Checkpoint.Load(Run.NewestCheckpoint(), package).States;
        var heart = ImageData.Open("sprites", new ImageOptions { Size = (16, 16) }).Test;

        var figures = Evaluator.Evaluate(package, states, new EqualImages(heart, 40), new EvaluatorOptions { ImportanceSamples = 0, Seed = 1, Device = OnnxDevice.Cpu });

        Assert.That(figures.Further["meanSquaredErrorTopExchanged"], Is.EqualTo(figures.Further["meanSquaredError"]).Within(1e-7));
    }

    // The figures once more, from the exported files alone.
    [Test]
    public void Export_EncodesToCodes_WhichGiveTheFigures()
    {
        using var vae = TrainedVae.Load(Run.Export);
        var test = ImageData.Open("sprites", new ImageOptions { Size = (16, 16) }).Test;
        var figures = JsonNode.Parse(File.ReadAllText(Run.Evaluation))!;
        var counts = new int[Codes];
        double squaredError = 0;
        for (long first = 0; first < test.Count; first += 50)
        {
            float[] images = ReconstructionGrid.ReadImages(test, first, (int)Math.Min(50, test.Count - first));
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
    public void Prior_StoppedAndContinued_EndsWithTheSameBytes([Values("top", "bottom")] string level)
    {
        var prior = new RunFolder(Path.Combine(WithPriors.Path, $"prior-{level}"));
        byte[] expected = File.ReadAllBytes(prior.NewestCheckpoint());
        File.Delete(prior.NewestCheckpoint());

        var figures = JsonNode.Parse(Support.Cli.Succeed([.. PriorCommand(level), "--log-every", "25", "--json"]))!;

        Assert.That(File.ReadAllBytes(prior.NewestCheckpoint()), Is.EqualTo(expected));
        double test = (double)figures["priorNllPerCode"]!, uniform = (double)figures["uniformNllPerCode"]!;
        Assert.That(uniform, Is.EqualTo(Math.Log(Codes)).Within(1e-6));
        Assert.That(test, Is.LessThan(0.7 * uniform).And.EqualTo((double)figures["trainPriorNllPerCode"]!).Within(10).Percent);
    }

    // The rate that the priors' own figures add up to; without one of them there is none.
    [Test]
    public void Evaluate_GivesTheRateUnderThePriors()
    {
        string run = WithPriors.Path, top = Path.Combine(run, "prior-top");
        double Of(string level) => (double)JsonNode.Parse(File.ReadAllText(new RunFolder(Path.Combine(run, $"prior-{level}")).Evaluation))!["rate"]!;
        var figures = JsonNode.Parse(Support.Cli.Succeed("evaluate", run, "--json"))!;
        double rate = Of("top") + Of("bottom");
        Assert.That((double)figures["priorRate"]!, Is.EqualTo(rate).Within(1e-6).Percent.And.LessThan(0.7 * (double)figures["rate"]!));
        Assert.That((double)figures["priorNllPerCode"]!, Is.EqualTo(rate / Positions).Within(1e-6).Percent);
        Assert.That((double)figures["priorNllPerCodeTop"]!, Is.EqualTo(Of("top") / 4).Within(1e-4).Percent);
        Assert.That((double)figures["priorRateBitsPerDimension"]!, Is.EqualTo(rate / (256 * Math.Log(2))).Within(1e-6).Percent);

        Directory.Move(top, $"{top}-away");
        var (exitCode, output, error) = Support.Cli.Run("evaluate", run, "--json");
        Directory.Move($"{top}-away", top);

        Assert.That(exitCode, Is.Zero);
        Assert.That((double)JsonNode.Parse(output)!["rate"]!, Is.EqualTo((double)figures["rate"]!));
        Assert.That(JsonNode.Parse(output)!["priorRate"], Is.Null);
        Assert.That(error, Does.Contain($"The rate under the run's priors is left out: there is no '{top}', train it with 'onnxvae prior {run} --level top'."));
    }

    // The exported file of the top level, code after code, over the whole test split; the class that is right tells more than another.
    [Test]
    public void Prior_StepByStep_GivesTheEvaluatedNllPerCode()
    {
        var test = ImageData.Open("sprites", new ImageOptions { Size = (16, 16) }).Test;
        using var vae = TrainedVqVae.Load(WithPriors.Export);
        long[] labels = [.. Enumerable.Range(0, (int)test.Count).Select(n => (long)test.LabelOf(n))];
        int[] top = [.. Enumerable.Range(0, labels.Length / 100).SelectMany(part => vae.Encode(ReconstructionGrid.ReadImages(test, part * 100, 100))[0])];
        var model = OnnxModel.Load(Path.Combine(WithPriors.Export, "prior_top.onnx"));
        using var session = new GraphSession(model);

        double nll = Nll(labels);

        Assert.That(nll, Is.EqualTo((double)JsonNode.Parse(File.ReadAllText(new RunFolder(Path.Combine(WithPriors.Path, "prior-top")).Evaluation))!["priorNllPerCode"]!).Within(1e-4));
        Assert.That(nll, Is.Not.NaN.And.LessThan(Nll([.. labels.Select(label => (label + 1) % 3)])));

        double Nll(long[] classes)
        {
            int count = top.Length / 4;
            var carried = model.Inputs.Where(input => input.Type == ElementType.Float32).ToDictionary(input => input.Name, input => (Array)new float[count * input.Shape.ElementCount]);
            double total = 0;
            for (int position = 0; position < 4; position++)
            {
                var results = session.Run(new Dictionary<string, Array>(carried)
                {
                    ["previous"] = Enumerable.Range(0, count).Select(n => position == 0 ? 0L : top[(n * 4) + position - 1]).ToArray(),
                    ["position"] = (long[])[position],
                    ["class"] = classes[..count],
                });
                total += ((float[])results["logits"]).Chunk(Codes).Index().Sum(of => Math.Log(of.Item.Sum(logit => Math.Exp(logit))) - of.Item[top[(of.Index * 4) + position]]);
                foreach (string name in carried.Keys.ToArray())
                {
                    carried[name] = results[$"{name}.next"];
                }
            }

            return total / top.Length;
        }
    }

    [Test]
    public void Generate_OfAClass()
    {
        string[] generate = ["generate", Path.Combine(WithPriors.Export, "decoder.onnx"), "--count", "300", "--seed", "5", "--temperature", "0.8"];
        Support.Cli.Succeed([.. generate, "--class", "heart", "--out", Folder["hearts.npy"]]);
        Support.Cli.Succeed([.. generate, "--class", "heart", "--shard", "1/2", "--threads", "1", "--out", Folder["part.npy"]]);
        Support.Cli.Succeed([.. generate, "--class", "square", "--out", Folder["squares.npy"]]);
        byte[] hearts = Pixels("hearts.npy");
        Assert.That(Pixels("part-1-of-2.npy"), Is.EqualTo(hearts[(150 * 256)..]), "image k depends on the seed and on k alone");
        Assert.That(Pixels("squares.npy").Chunk(256).Zip(hearts.Chunk(256)).Count(pair => !pair.First.SequenceEqual(pair.Second)), Is.GreaterThan(150), "the class changes most images");
        Assert.That(hearts.Average(pixel => pixel / 255.0), Is.InRange(0.02, 0.3), "shapes on black");

        using var vae = TrainedVqVae.Load(WithPriors.Export);
        float[] images = vae.Generate(count: 64, seed: 5, new CodeSampling("heart", Temperature: 0.8));
        Assert.That(images.Zip(hearts).All(pair => Math.Abs(pair.First - (pair.Second / 255f)) < 0.003), Is.True, "as the job");
        float[][] alone = [.. Enumerable.Range(0, 64).Select(k => vae.Generate(count: 1, seed: 5, new CodeSampling("heart", Temperature: 0.8), first: k))];
        Assert.That(alone.SelectMany(image => image), Is.EqualTo(images).Within(1e-5), "image by image");
        Assert.That(vae.Decode(vae.Encode(images.AsSpan(0, 3 * 256))), Has.Length.EqualTo(3 * 256));
        Assert.That(vae.Classes, Is.EqualTo((string[])["square", "ellipse", "heart"]));
        Assert.That(() => vae.Decode([0, 1, 2, 99], new int[16]), Throws.ArgumentException.With.Message.StartsWith("Code 3 of level 0 is 99; codes go from 0 to 31."));
        Assert.That(() => vae.Decode(new int[4]), Throws.ArgumentException.With.Message.StartsWith("There are codes of 1 levels; the model has 2."));

        using var withoutPrior = TrainedVqVae.Load(Run.Export);
        Assert.That(() => withoutPrior.Generate(1, 1), Throws.InvalidOperationException.With.Message.StartsWith("There is no prior next to the decoder"));
    }

    // A classifier for which images are the more a heart, the brighter they are: of three candidates the brightest is kept.
    [Test]
    public void Generate_WithAClassifier_KeepsTheBestCandidates()
    {
        WriteBrightness(Folder["brightness.onnx"], classes: 3);
        string[] generate = ["generate", Path.Combine(WithPriors.Export, "decoder.onnx"), "--seed", "5", "--class", "heart", "--temperature", "0.8"];
        string[] select = [.. generate, "--classifier", Folder["brightness.onnx"], "--candidates", "3"];
        Support.Cli.Succeed([.. generate, "--count", "300", "--out", Folder["all.npy"]]);

        string report = Support.Cli.Succeed([.. select, "--count", "100", "--out", Folder["bright.npy"], "--grid", Folder["bright.png"]]);
        Support.Cli.Succeed([.. select, "--count", "100", "--shard", "1/2", "--out", Folder["b.npy"]]);

        byte[] bright = Pixels("bright.npy");
        int[] sums = [.. Pixels("all.npy").Chunk(256).Select(image => image.Sum(pixel => pixel))];
        Assert.That(bright.Chunk(256).Select(image => image.Sum(pixel => pixel)), Is.EqualTo(sums.Chunk(3).Select(three => three.Max())).Within(20));
        Assert.That(Pixels("b-1-of-2.npy"), Is.EqualTo(bright[(50 * 256)..]));
        double recognised = Share(sums), recognisedAndKept = Share(sums.Chunk(3).Select(three => three.Max()));
        Assert.That(recognised, Is.InRange(0.1, 0.9));
        Assert.That(report, Does.Contain($"Kept 1 of 3 candidates; the classifier recognizes {recognised.ToString("P1", CultureInfo.InvariantCulture)} of all and {recognisedAndKept.ToString("P1", CultureInfo.InvariantCulture)} of the kept images as 'heart'"));

        WriteBrightness(Folder["two.onnx"], classes: 2);
        var (exitCode, _, error) = Support.Cli.Run([.. generate, "--classifier", Folder["two.onnx"], "--out", Folder["x.npy"]]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, $"onnxvae: '{Folder["two.onnx"]}' scores 2 classes, but the prior has square, ellipse, heart: give a classifier of the same.")));

        static double Share(IEnumerable<int> sums) => sums.Average(sum => sum >= BrightnessOfHearts * 255 ? 1.0 : 0.0);
    }

    // Priors belong to the weights whose codes they were trained for: they go along with those, and with no other.
    [Test]
    public void Export_TakesThePriorsAlong()
    {
        bool AreThere(string folder) => TrainedCodePrior.FilesOf(levels: 2).All(file => File.Exists(Path.Combine(folder, file)));
        bool IsAnyThere(string folder) => TrainedCodePrior.FilesOf(levels: 2).Any(file => File.Exists(Path.Combine(folder, file)));
        var run = Copy(WithPriors, Folder["run"]);
        Support.Cli.Succeed("export", run.Path, "--out", Folder["deploy"]);
        Assert.That(AreThere(Folder["deploy"]));

        Support.Cli.Succeed("train", "--resume", "--out", run.Path);
        Assert.That(AreThere(run.Export), "the weights are the same");

        Support.Cli.Succeed("export", run.Path, "--checkpoint", run.ListCheckpoints()[^2], "--out", Folder["earlier"]);
        Assert.That(IsAnyThere(Folder["earlier"]), Is.False);
        Array.ForEach([.. TrainedCodePrior.FilesOf(levels: 2)], file => File.Copy(Path.Combine(run.Export, file), Folder[$"earlier/{file}"]));
        var (exitCode, _, error) = Support.Cli.Run("generate", Folder["earlier/decoder.onnx"], "--class", "heart", "--out", Folder["x.npy"]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, "onnxvae: The prior was made for the latents of other weights than the decoder's: give the one that was exported with it.")));
        Assert.That(() => TrainedVqVae.Load(Folder["earlier"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("is of another model than the decoder next to it"));
        File.Copy(Path.Combine(run.Export, "encoder.onnx"), Folder["earlier/encoder.onnx"], overwrite: true);
        Assert.That(() => TrainedVqVae.Load(Folder["earlier"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("have weights of different runs, or of different times"));

        Support.Cli.Succeed("export", run.Path, "--checkpoint", run.ListCheckpoints()[^2], "--out", run.Export);
        Assert.That(IsAnyThere(run.Export), Is.False, "they are of no use any more");
        (exitCode, _, error) = Support.Cli.Run([.. PriorCommand("top", run.Path)]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, $"onnxvae: '{run.Path}/prior-top' was trained for different weights than the run's current ones: delete the folder to retrain it.")));
        Assert.That(Support.Cli.Run("evaluate", run.Path).Error, Does.Contain($"The rate under the run's priors is left out: '{run.Path}/prior-top' was trained for other weights than the run has now."));
    }

    // A prior of which nothing but its start is there begins anew.
    [Test]
    public void Prior_ThatDidNotGetFar_BeginsAnew()
    {
        var run = Copy(Run, Folder["run"]);
        Directory.CreateDirectory(Folder["run/prior-top/package"]);
        File.WriteAllText(Folder["run/prior-top/package/step.onnx"], "half");
        Support.Cli.Succeed("prior", run.Path, "--level", "top", "--width", "16", "--depth", "1", "--steps", "5");

        File.Delete(new RunFolder(Folder["run/prior-top"]).NewestCheckpoint());
        Support.Cli.Succeed("prior", run.Path, "--level", "top", "--width", "8", "--depth", "1", "--steps", "6");

        Assert.That(new RunFolder(Folder["run/prior-top"]).NewestCheckpoint(), Does.EndWith("000000006.safetensors"));
        var (exitCode, _, error) = Support.Cli.Run("generate", Path.Combine(run.Export, "decoder.onnx"), "--out", Folder["x.npy"]);
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((1, $"onnxvae: There is no '{Path.Combine(run.Export, "prior_bottom.onnx")}': train it with 'onnxvae prior RUN --level bottom'.")));
    }

    [Test]
    public void Prior_OfTheOnlyLevel_IsTheBottomOne()
    {
        Support.Cli.Succeed(["train", .. Options, "--model", "vqvae", "--steps", "60", "--out", Folder["run"]]);

        var (exitCode, _, error) = Support.Cli.Run("prior", Folder["run"], "--level", "top");
        Assert.That((exitCode, error.TrimEnd()), Is.EqualTo((2, "onnxvae: --level is top, but the run has one level of codes: give --level bottom.")));

        Support.Cli.Succeed("prior", Folder["run"], "--level", "bottom", "--width", "16", "--depth", "1", "--steps", "20");
        using (var vae = TrainedVqVae.Load(Folder["run/export"]))
        {
            Assert.That(vae.Generate(count: 3, seed: 1, new CodeSampling("square")), Has.Length.EqualTo(3 * 256).And.None.NaN);
        }

        AssertDisposalWaits(TrainedCodePrior.Load(Folder["run/export"]));
    }

    // Draws that have begun end well, later ones are refused.
    private static void AssertDisposalWaits(TrainedCodePrior prior)
    {
        var outcomes = new ConcurrentBag<string>();
        using var running = new CountdownEvent(4);
        Thread[] callers = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            try
            {
                prior.With(new CodeSampling("heart")).Draw(1, 0, new float[9 * prior.LatentSize]);
                running.Signal();
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
        running.Wait();

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

    private static string[] PriorCommand(string level, string? run = null) =>
        ["prior", run ?? WithPriors.Path, "--level", level, "--width", "32", "--depth", "2", "--batch", "64", "--threads", "2", "--steps", "300", "--checkpoint-every", "100"];

    private static RunFolder Copy(RunFolder run, string folder)
    {
        foreach (string file in Directory.GetFiles(run.Path, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(run.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return new RunFolder(folder);
    }

    // The last class is the likeliest from a sum of pixels on.
    private static void WriteBrightness(string file, int classes)
    {
        var image = Value.Input("image", ElementType.Float32, [Shape.Batch, 1, 16, 16]);
        var sum = Ops.ReduceSum(image, [2, 3]);
        GraphCompiler.Build("brightness", [image], [("logits", Ops.Concat(1, [.. Enumerable.Repeat(0f * sum, classes - 1), 0.1f * (sum - BrightnessOfHearts)]))]).Save(file);
    }

    private byte[] Pixels(string file) => Npy.Read(File.ReadAllBytes(Folder[file]), file).Data.ToArray();

    [TestCase("train --model vqvae2 --image-size 20 --out {0}/x", 1, "The images have 20 x 20 pixels, but a model with two levels of codes takes multiples of 8: give --image-size, --image-size 24 for instance.")]
    [TestCase("train --model vqvae --latent 3 --out {0}/x", 2, "--latent cannot be given with --model vqvae: its latents are codes. See 'onnxvae train --help'.")]
    [TestCase("sweep --model vqvae --betas 1,2 --out {0}/x", 2, "A sweep cannot be given with --model vqvae: its rate is fixed by the number of codes. See 'onnxvae sweep --help'.")]
    [TestCase("train --codes 64 --out {0}/x", 2, "--codes cannot be given with --model conv: it is for vqvae and vqvae2, whose latents are codes. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --quantizer nearest --out {0}/x", 2, "--quantizer is 'nearest'; known are moving-average, gradient, finite-scalar. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --quantizer finite-scalar --scalar-levels 8,1 --out {0}/y", 2, "--scalar-levels is '8,1'; expected numbers from 2 to 65536 with commas between them, as in 512,256. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --quantizer finite-scalar --scalar-levels 256,257 --out {0}/y", 1, "The levels [256, 257] have more than 65536 points: give fewer, or smaller ones.")]
    [TestCase("train --model vqvae --quantizer finite-scalar --codes 64 --out {0}/y", 2, "--codes cannot be given with --quantizer finite-scalar: it has no codebook. See 'onnxvae train --help'.")]
    [TestCase("train --model vqvae --scalar-levels 8,8 --out {0}/y", 2, "--scalar-levels cannot be given with --quantizer moving-average: only finite-scalar has levels. See 'onnxvae train --help'.")]
    [TestCase("generate {1}/export/decoder.onnx --classifier x.onnx --out {0}/x.npy", 2, "--classifier needs --class: it keeps the images most likely to be of that class. See 'onnxvae generate --help'.")]
    [TestCase("generate {1}/export/decoder.onnx --class heart --candidates 3 --out {0}/x.npy", 2, "--candidates needs --classifier: it chooses among them. See 'onnxvae generate --help'.")]
    [TestCase("generate {1}/export/decoder.onnx --prior standard-normal --out {0}/x.npy", 2, "--prior is standard-normal, which draws numbers, but the latents of this model are codes: leave it out.")]
    [TestCase("generate {2}/export/decoder.onnx --class circle --out {0}/x.npy", 1, "There is no class 'circle'; known are square, ellipse, heart.")]
    [TestCase("prior {2} --level top --width 32 --depth 3 --batch 64 --steps 300", 2, "--depth is 3, but '{2}/prior-top' was started with 2: give the same options to continue, or delete the folder to start over.")]
    [TestCase("prior {1} --level top --width 30 --heads 4", 1, "--width is 30, which is not a multiple of --heads, 4: change one of them.")]
    [TestCase("prior {1} --level top --batch 900000", 2, "--batch is 900000; it must be at most 65536. See 'onnxvae prior --help'.")]
    [TestCase("interpolate {1}/export --data sprites --out {0}/x.png", 1, "The model's latents are discrete codes, which cannot be interpolated: use a model with continuous latents.")]
    [TestCase("fit {1}", 1, "The model's latents are codes: a mixture of Gaussians is for latents that are numbers. Train a prior of the codes instead, with 'onnxvae prior'.")]
    public void WrongUse_IsExplained(string arguments, int exitCode, string message)
    {
        string Fill(string text) => text.Replace("{0}", Folder.Path, StringComparison.Ordinal).Replace("{1}", Run.Path, StringComparison.Ordinal).Replace("{2}", WithPriors.Path, StringComparison.Ordinal);
        var actual = Support.Cli.Run(Fill(arguments).Split(' '));

        Assert.That(actual.Error.TrimEnd(), Is.EqualTo($"onnxvae: {Fill(message)}"));
        Assert.That(actual.ExitCode, Is.EqualTo(exitCode));
    }

    private sealed class EqualImages(ImageSource images, long count) : ImageSource
    {
        public override long Count => count;

        public override ExampleShape Shape => images.Shape;

        public override void Read(long index, Span<byte> pixels) => images.Read(0, pixels);
    }
}
