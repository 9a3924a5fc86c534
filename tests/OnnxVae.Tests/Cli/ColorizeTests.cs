using System.Text.Json.Nodes;
using OnnxVae.Cli.Verbs.Serve;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;
using SkiaSharp;

namespace OnnxVae.Tests.Cli;

/// <summary>Colorization from the command line.</summary>
internal sealed class ColorizeTests : FolderFixture
{
    private static readonly string[] Small = ["--model", "colorization", "--segments", "5", "--context-width", "4", "--batch", "8", "--steps", "20", "--checkpoint-every", "10"];
    private static readonly TemporaryFolder Trained = new();
    private static readonly RunFolder Scenes = new(Trained["scenes"]);
    private static string output = "";

    [OneTimeSetUp]
    public void Train() => output = Support.Cli.Succeed(["train", "--data", "scenes", .. Small, "--out", Scenes.Path]);

    [OneTimeTearDown]
    public void DeleteTrained() => Trained.Dispose();

    [Test]
    public void Train_ReportsWhatTheSegmentsCarry()
    {
        var figures = JsonNode.Parse(File.ReadAllText(Scenes.Evaluation))!.AsObject();

        Assert.That(output, Does.Contain($"Exported  {Scenes.Export}/colorizer.onnx").And.Contain($"Next      onnxvae colorize {Scenes.Path} --data scenes --split test --count 16 --out {Scenes.Path}/colored"));
        Assert.That(
            ((string[])["adjustedRandIndex", "meanIntersectionOverUnion", "segmentEntropy", "trueConditionalEntropy", "exactNegativeLogLikelihood", "distortionFromPrior", "informationAboutColorUpper", "informationAboutColorLower", "informationAboutGrey", "verdict"])
                .Where(name => !figures.ContainsKey(name)), Is.Empty);
        Assert.That((double)figures["exactNegativeLogLikelihood"]!, Is.EqualTo((double)figures["negativeElbo"]!).Within(0.1), "the posterior is exact");
        Assert.That((double)figures["exactNegativeLogLikelihood"]!, Is.GreaterThan((double)figures["trueConditionalEntropy"]!), "no model beats the truth");
        Assert.That(File.Exists(Path.Combine(Scenes.Samples, "colorizations-000000020.png")));
    }

    [Test]
    public void Colorize_OfGrayscaleImages_WritesEveryWayAndTheSegments()
    {
        WriteGrey(Folder["grey/a.png"]);

        string report = Support.Cli.Succeed("colorize", Scenes.Path, "--data", Folder["grey"], "--samples", "2", "--noise", "--out", Folder["out"]);

        Assert.That(report, Is.EqualTo($"Colored 1 image, 2 ways each: {Folder["out"]}{Environment.NewLine}"));
        Assert.That(Directory.GetFiles(Folder["out"]).Select(Path.GetFileName).Order(), Is.EqualTo((string[])["a-1.png", "a-2.png", "a-segments.png"]));
        Assert.That(File.ReadAllBytes(Folder["out/a-1.png"]), Is.Not.EqualTo(File.ReadAllBytes(Folder["out/a-2.png"])));
        using var colored = SKBitmap.Decode(Folder["out/a-1.png"]);
        Assert.That((colored.Width, colored.Height), Is.EqualTo((32, 32)));
    }

    // The file draws segments with their probabilities, and its colors keep the luminance.
    [Test]
    public void Colorizer_DrawsSegmentsByTheirProbability()
    {
        using var colorizer = Colorizer.Load(Path.Combine(Scenes.Export, "colorizer.onnx"));
        var data = ImageData.Open("scenes");
        var image = new float[data.Test.ImageSize];
        data.Test.ReadValues(0, image);
        float[] grey = Colorizer.Luminance(image, colorizer.GreySize), probabilities = colorizer.Segment(grey);
        var counts = new int[5];

        const int draws = 400;
        for (int draw = 0; draw < draws; draw++)
        {
            counts[colorizer.Colorize(grey, seed: 1, first: draw).Segments[500]]++;
        }

        for (int k = 0; k < 5; k++)
        {
            double p = probabilities[(k * 1024) + 500];
            Assert.That((double)counts[k] / draws, Is.EqualTo(p).Within((4 * Math.Sqrt(p * (1 - p) / draws)) + 0.005));
        }

        var (images, _) = colorizer.Colorize(grey, seed: 3);
        float[] back = Colorizer.Luminance(images, colorizer.GreySize);
        bool[] isInside = [.. Enumerable.Range(0, 1024).Select(i => Enumerable.Range(0, 3).All(c => images[(c * 1024) + i] is > 0 and < 1))];
        Assert.That(isInside.Count(inside => inside), Is.GreaterThan(100));
        Assert.That(Enumerable.Range(0, 1024).Where(i => isInside[i]).Max(i => Math.Abs(back[i] - grey[i])), Is.LessThan(1e-4));
    }

    [Test]
    public void Resume_EndsWithTheSameStates([Values("gumbel-softmax", "exact")] string inference)
    {
        string[] options = ["train", "--data", "scenes", .. Small, "--inference", inference, "--stride", "2", "--out", Folder["run"]];
        Support.Cli.Succeed(options);
        var run = new RunFolder(Folder["run"]);
        byte[] last = File.ReadAllBytes(run.CheckpointAt(20));
        File.Delete(run.CheckpointAt(20));

        Support.Cli.Succeed("train", "--resume", "--out", run.Path);

        Assert.That(File.ReadAllBytes(run.CheckpointAt(20)), Is.EqualTo(last));
    }

    // The restricted decoder finds the segments, close to the entropy of the colors; an unrestricted one does without them where they are dear.
    [Test]
    public void Scenes_AreSegmented_UnlessTheDecoderCanDoWithout()
    {
        var restricted = Figures("--segments", "8", "--batch", "32", "--steps", "500", "--beta-warm-up", "150");
        var free = Figures("--segments", "8", "--batch", "32", "--steps", "120", "--color-decoder", "unrestricted", "--beta", "10");

        double gap = (double)restricted["exactNegativeLogLikelihood"]! - (double)restricted["trueConditionalEntropy"]!;
        TestContext.Out.WriteLine($"{gap / 1024} nats per cell from the entropy, index {restricted["adjustedRandIndex"]}; unrestricted: {free["verdict"]}");
        Assert.That(gap / 1024, Is.InRange(0, 0.05));
        Assert.That((double)restricted["adjustedRandIndex"]!, Is.GreaterThan(0.8));
        Assert.That((string)restricted["verdict"]!, Does.StartWith("z carries segments"));
        Assert.That((string)free["verdict"]!, Does.StartWith("collapsed, z carries nothing"));

        JsonObject Figures(params string[] options) => JsonNode.Parse(Support.Cli.Succeed(
            ["train", "--data", "scenes", "--model", "colorization", "--learning-rate", "3e-3", "--learning-rate-schedule", "one-cycle", "--json", "--out", Folder[string.Concat(options)], .. options]).Split('\n')[0])!.AsObject();
    }

    [Test]
    public async Task Page_ColorsAnImage()
    {
        WriteGrey(Folder["a.png"]);
        using var colorizer = Colorizer.Load(Path.Combine(Scenes.Export, "colorizer.onnx"));
        await using var server = await PageServer.StartAsync(colorizer, "scenes", port: 0);
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };

        string page = await client.GetStringAsync("/");
        string script = await client.GetStringAsync("/colorize.js");
        var model = JsonNode.Parse(await client.GetStringAsync("/api/model"))!;
        using var body = new ByteArrayContent(await File.ReadAllBytesAsync(Folder["a.png"]));
        var answer = JsonNode.Parse(await (await client.PostAsync("/api/colorize?file=a.png&seed=1", body)).Content.ReadAsStringAsync())!;
        using var text = new StringContent("no picture");
        var refused = await client.PostAsync("/api/colorize?file=a.txt&seed=1", text);

        Assert.That(page, Does.Contain("colorize.js"));
        Assert.That(script, Does.Contain("api/colorize"));
        Assert.That(((string)model["name"]!, (int)model["segments"]!), Is.EqualTo(("scenes", 5)));
        Assert.That(answer["colored"]!.AsArray(), Has.Count.EqualTo(6));
        Assert.That(((string)answer["grey"]!, (string)answer["segments"]!), Is.Not.EqualTo(("", "")));
        Assert.That((int)refused.StatusCode, Is.EqualTo(400));
    }

    [Test]
    public void Train_OfImagesOfOddSize_Works()
    {
        Support.Cli.Succeed(["train", "--data", "scenes", "--image-size", "13", .. Small, "--out", Folder["odd"]]);

        using var colorizer = Colorizer.Load(Folder["odd/export/colorizer.onnx"]);
        Assert.That(colorizer.Colorize(new float[13 * 13], seed: 1).Images, Has.Length.EqualTo(3 * 13 * 13));
    }

    [TestCase("train --data sprites --model colorization --steps 1 --out {0}/x", 1, "The images are 1 x 64 x 64 (channels, height, width); colorization is learned from images in color.")]
    [TestCase("train --data scenes --model colorization --segments 1 --out {0}/x", 2, "--segments is 1; it must be at least 2. See 'onnxvae train --help'.")]
    [TestCase("train --data scenes --model colorization --stride 3 --steps 1 --out {0}/x", 1, "The stride is 3, and the images are 32 x 32; expected 1, 2 or 4, a divisor of both sides.")]
    [TestCase("train --data scenes --image-size 33 --model colorization --stride 2 --steps 1 --out {0}/x", 1, "The stride is 2, and the images are 33 x 33; expected 1, 2 or 4, a divisor of both sides.")]
    [TestCase("train --data scenes --model colorization --color-decoder unrestricted --inference exact --out {0}/x", 2, "--inference exact cannot be given with --color-decoder unrestricted: its segments cannot be enumerated. See 'onnxvae train --help'.")]
    [TestCase("train --data scenes --model colorization --latent 3 --out {0}/x", 2, "--latent cannot be given with --model colorization: its latents are a segmentation, and its images are colors. See 'onnxvae train --help'.")]
    [TestCase("train --data scenes --model conv --segments 3 --out {0}/x", 2, "--segments cannot be given with --model conv: it is for colorization. See 'onnxvae train --help'.")]
    [TestCase("train --data scenes --model colorization --condition label --out {0}/x", 2, "--condition cannot be given with --model colorization: it is conditional on the luminance. See 'onnxvae train --help'.")]
    [TestCase("train --data scenes --model colorization --relaxation 0.3 --out {0}/x", 2, "--relaxation cannot be given with --inference exact: nothing is relaxed. See 'onnxvae train --help'.")]
    [TestCase("generate {1}/scenes --out {0}/g", 1, "'{1}/scenes/export' holds a colorizer, which has neither encoder nor decoder: use 'onnxvae colorize'.")]
    [TestCase("traverse {1}/scenes --out {0}/t.png", 1, "'{1}/scenes/export' holds a colorizer, which has neither encoder nor decoder: use 'onnxvae colorize'.")]
    [TestCase("fit {1}/scenes", 1, "The model's latents are a segmentation, with a prior P(z|x) of their own: a mixture of Gaussians is for latents that are numbers.")]
    [TestCase("colorize {1}/scenes --data /nowhere --out {0}/g", 1, "There is no data '/nowhere'")]
    [TestCase("colorize {1}/nothing --data sprites --out {0}/g", 1, "There is no file '{1}/nothing'.")]
    public void WrongUse_IsExplained(string arguments, int exitCode, string message)
    {
        var actual = Support.Cli.Run(Fill(arguments).Split(' '));

        Assert.That(actual.ExitCode, Is.EqualTo(exitCode));
        Assert.That(actual.Error.TrimEnd().Split('\n')[^1], Does.StartWith($"onnxvae: {Fill(message)}"));

        string Fill(string text) => text.Replace("{0}", Folder.Path, StringComparison.Ordinal).Replace("{1}", Trained.Path, StringComparison.Ordinal);
    }

    private static void WriteGrey(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var bitmap = new SKBitmap(40, 40);
        bitmap.Erase(SKColors.DarkGray);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(file, png.ToArray());
    }
}
