using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Steps;

namespace OnnxVae.Tests.Training;

/// <summary>Parts of batches: how large they are, and that they have what the whole batch has.</summary>
internal sealed class BatchPartsTests : FolderFixture
{
    private const int Side = 16;
    private static readonly ExampleShape Image = new(1, Side, Side);

    [TestCase(128, 1, 4, 32)]
    [TestCase(32, 4, 1, 32)]
    [TestCase(32, 4, 2, 32)]
    [TestCase(32, 4, 8, 16)]
    [TestCase(3, 2, 3, 2)]
    [TestCase(3, 4, 4, 3)]
    [TestCase(7, 1, 7, 1)]
    public void PartSize_IsTheLargestThatAllProcessesShare(int batch, int accumulate, int processes, int expected) =>
        Assert.That(BatchPlan.PartSizeFor(batch, accumulate, processes), Is.EqualTo(expected));

    [Test]
    public void PartSize_OfABatchThatIsNotDivided_IsRefused() => Assert.That(
        () => BatchPlan.PartSizeFor(5, 2, 4), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("A batch of 5 x 2 images cannot be divided among 4 processes: start as many as divide it, or take another batch."));

    [TestCase(1)]
    [TestCase(3)]
    public async Task Parts_HaveTheImagesAndTheNoiseOfTheWholeBatch(int samples)
    {
        const int batch = 12, parts = 4, steps = 5;
        var whole = Gradients(batch, samples);
        var part = Gradients(batch / parts, samples);
        var images = ImageData.Open("sprites", new ImageOptions { Size = (Side, Side) }).Test.Sample(30, 1);
        var augmentation = new Augmentation { Flip = true, Shift = 2 };
        await using BatchPipeline expected = new(whole, images, 7, 2, steps, augmentation), all = new(part, images, 7, 2, steps, augmentation, new BatchParts(parts, 0, parts)),
            last = new(part, images, 7, 2, steps, augmentation, new BatchParts(parts, 3, 1));
        for (int step = 2; step <= steps; step++)
        {
            var wanted = expected.Next();
            Batch[] actual = [.. Enumerable.Range(0, parts).Select(_ => all.Next())];
            Assert.That(actual.SelectMany(each => each.Images), Is.EqualTo(wanted.Images));
            for (int sample = 0; sample < samples; sample++)
            {
                Assert.That(actual.SelectMany(each => OfSample(each, sample)), Is.EqualTo(OfSample(wanted, sample)), "a sample of all images comes after the other");
            }

            var alone = last.Next();
            Assert.That(alone.Images, Is.EqualTo(actual[3].Images));
            Assert.That(alone.Noise[0], Is.EqualTo(actual[3].Noise[0]));
        }

        float[] OfSample(Batch from, int sample) => from.Noise[0][(from.Noise[0].Length / samples * sample)..(from.Noise[0].Length / samples * (sample + 1))];
    }

    [Test]
    public async Task Noise_ThatBelongsToNoRows_IsTheSameInAllParts()
    {
        using var networks = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4, ResidualBlocks = 1 }, Image, dimension: 4, hasTop: false, seed: 1);
        var compiler = new PackageCompiler(
            new VqVaeModel(networks, new GaussianLikelihood(0.5f, PixelMean.Identity), new MovingAverageCodebook("bottom", codes: 8, 4)), new TrainingOptions { BatchSize = 8, Optimizer = new Adam(new ConstantSchedule(1e-3)) });
        var program = compiler.SplitStep(partSize: 4).Gradients.Compile().Spec;
        Assert.That(program.Inputs.Where(input => input.IsShared).Select(input => input.Name), Is.EqualTo((string[])["replacements.bottom"]));

        await using var batches = new BatchPipeline(program, ImageData.Open("sprites", new ImageOptions { Size = (Side, Side) }).Test, 1, 1, 1, augmentation: null, new BatchParts(2, 0, 2));
        var (first, second) = (batches.Next(), batches.Next());
        Assert.That(second.Noise[0], Is.EqualTo(first.Noise[0]));
    }

    [Test]
    public void RandomNumbers_FromAPlaceOn_AreThoseOfTheWhole([Values(0, 1, 2, 3, 4, 7, 30)] int first, [Values(1, 2, 5, 9)] int count)
    {
        float[] normal = new float[40], uniform = new float[40], some = new float[count];
        Philox.FillStandardNormal(normal, 3, 2, 1);
        Philox.FillUniform(uniform, 3, 2, 1);

        Philox.FillStandardNormal(some, 3, 2, 1, first);
        Assert.That(some, Is.EqualTo(normal[first..(first + count)]));
        Philox.FillUniform(some, 3, 2, 1, first);
        Assert.That(some, Is.EqualTo(uniform[first..(first + count)]));
    }

    [Test]
    public void Package_TakesTheTwoProgramsOfAnother_WithItsOwnSchedules()
    {
        var (package, other) = (Write("package", partSize: 4, rate: 1e-3), Write("other", partSize: 2, rate: 5e-3));
        (package, _) = package.WriteSchedules(10, new Dictionary<string, Schedule> { ["learningRate"] = new ConstantSchedule(0.25) }, steps: null);

        var taken = package.TakeSplit(other);

        foreach (var opened in new[] { taken, TrainingPackage.Open(package.Folder) })
        {
            Assert.That(opened.Manifest.Split!.Gradients.Images.Shape[0], Is.EqualTo(2));
            Assert.That(opened.Manifest.Split.Apply.Inputs.Single(input => input.Name == "learningRate").Schedule!.At(11), Is.EqualTo(0.25));
            Assert.That(opened.Manifest.Split.Apply.Inputs.Single(input => input.Name == "learningRate").Schedule!.At(10), Is.EqualTo(1e-3));
        }

        Assert.That(File.ReadAllBytes(taken.PathOf("gradients.onnx")), Is.EqualTo(File.ReadAllBytes(other.PathOf("gradients.onnx"))));
        Assert.That(() => package.TakeSplit(Write("whole", partSize: null, rate: 1e-3)), Throws.ArgumentException.With.Message.Contains("has no training step in two programs"));
        Assert.That(() => package.TakeSplit(Write("wider", partSize: 4, rate: 1e-3, hidden: 9)), Throws.ArgumentException.With.Message.Contains("is of another model"));
    }

    [TestCase("\"gradient.encoder.1.weight\"", "\"gradient.encoder.1.weights\"", "'apply.onnx' takes 'gradient.encoder.1.weight', which 'gradients.onnx' does not compute")]
    [TestCase("\"file\": \"gradients.onnx\"", "\"file\": \"../gradients.onnx\"", "'../gradients.onnx' is not the plain name of a file")]
    public void Package_WhoseTwoProgramsDoNotFit_IsRefused(string text, string instead, string fault)
    {
        string manifest = Path.Combine(Write("package", partSize: 4, rate: 1e-3).Folder, "manifest.json");
        string content = File.ReadAllText(manifest);
        int at = content.IndexOf(text, content.IndexOf("\"split\"", StringComparison.Ordinal), StringComparison.Ordinal);

        File.WriteAllText(manifest, $"{content[..at]}{instead}{content[(at + text.Length)..]}");

        Assert.That(() => TrainingPackage.Open(Folder["package"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{manifest}' cannot be used: {fault}. Compile the model again."));
    }

    [Test]
    public void Package_ThatLostOneOfTheTwo_IsRefused()
    {
        var package = Write("package", partSize: 4, rate: 1e-3);
        File.Delete(package.PathOf("apply.onnx"));

        Assert.That(() => TrainingPackage.Open(package.Folder), Throws.TypeOf<InvalidDataException>().With.Message.Contains("it has no apply.onnx"));
    }

    private TrainingPackage Write(string name, int? partSize, double rate, int hidden = 8)
    {
        using var networks = new VaeNetworks(new MlpNetwork(hidden), Image, latents: 2, seed: 1);
        var options = new TrainingOptions { BatchSize = 8, Optimizer = new Adam(new ConstantSchedule(rate)) };
        return new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), options).Write(Folder[name], partSize: partSize);
    }

    private static ProgramSpec Gradients(int rows, int samples)
    {
        using var networks = new VaeNetworks(new MlpNetwork(8), Image, latents: 3, seed: 1);
        var options = new TrainingOptions { BatchSize = rows, Optimizer = new Adam(new ConstantSchedule(1e-3)) };
        return new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), samples == 1 ? new BetaElbo() : new ImportanceWeightedBound(samples)), options).SplitStep(rows).Gradients.Compile().Spec;
    }
}
