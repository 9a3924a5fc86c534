using OnnxVae.Cli.Verbs.Serve;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;
using static TorchSharp.torch;
using Condition = OnnxVae.Inference.Condition;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Inference;

/// <summary>Exported conditional models.</summary>
internal sealed class ConditionalServingTests : FolderFixture
{
    private const int Latents = 3;
    private static readonly string[] Classes = ["a", "b", "c"];
    private static readonly ExampleShape Image = new(1, 8, 8);

    [Test]
    public void Decoder_GivenAClass_DecodesLikeTorch()
    {
        using var networks = Export(new LabelCondition(Classes), learnsPrior: false);
        using var vae = TrainedVae.Load(Folder["export"]);
        float[] z = Numbers.StandardNormal(2 * Latents, seed: 1);

        float[] actual = vae.GivenClass("b").Decoder.Decode(z);

        var expected = networks.Decoder.forward(cat([tensor(z).reshape(2, Latents), tensor((float[])[0, 1, 0, 0, 1, 0]).reshape(2, 3)], 1)).sigmoid();
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(1e-5));
        Assert.That(vae.Decoder.Metadata.Condition!.Classes, Is.EqualTo(Classes));
        Assert.That(vae.Decoder.Metadata.Condition.Kind, Is.EqualTo("label"));
    }

    [Test]
    public void Encoder_GivenVectors_EncodesEachImageWithItsOwn()
    {
        using var networks = Export(new VectorCondition(2), learnsPrior: false);
        using var encoder = VaeEncoder.Load(Folder["export/encoder.onnx"]);
        float[] images = [.. Numbers.StandardNormal(2 * Image.Dimensions, seed: 2).Select(x => Math.Clamp(x, 0, 1))], given = [0.5f, -1, 2, 0.25f];

        float[] mean = encoder.Given(Condition.Rows(given, size: 2)).Encode(images).Mean;

        var plane = (nn.Module<Tensor, Tensor>)networks.named_children().Single(child => child.name == "plane").module;
        var x = tensor(given).reshape(2, 2);
        var expected = networks.Encoder.forward(cat([tensor(images).reshape(2, 1, 8, 8), plane.forward(x)], 1)).narrow(1, 0, Latents);
        Assert.That(Numbers.RelativeError(mean, expected.ToArray()), Is.LessThan(1e-5));
    }

    [Test]
    public void Prior_GivenAVector_DrawsFromItsGaussian()
    {
        using var networks = Export(new VectorCondition(2), learnsPrior: true);
        using var vae = TrainedVae.Load(Folder["export"]);
        var z = new float[4000 * Latents];

        vae.Prior.Draw(seed: 1, first: 0, z, Condition.Of([1f, -2f]));

        var prior = (nn.Module<Tensor, Tensor>)networks.named_children().Single(child => child.name == "prior").module;
        float[] parameters = prior.forward(tensor((float[])[1, -2]).reshape(1, 2)).ToArray();
        for (int l = 0; l < Latents; l++)
        {
            double[] drawn = [.. Enumerable.Range(0, 4000).Select(i => (double)z[(i * Latents) + l])];
            double deviation = Math.Exp(0.5 * parameters[Latents + l]), mean = drawn.Average();
            Assert.That(mean, Is.EqualTo(parameters[l]).Within(4 * deviation / Math.Sqrt(4000)));
            Assert.That(Math.Sqrt(drawn.Average(x => (x - mean) * (x - mean))), Is.EqualTo(deviation).Within(0.05 * deviation));
        }

        Assert.That(() => vae.Prior.Draw(seed: 1, first: 0, z), Throws.ArgumentException.With.Message.Contains("is conditional on a vector of 2 values: bind it with Given first"));
    }

    [Test]
    public async Task Stream_OfConditions_IsThatOfSingleImages()
    {
        using var networks = Export(new LabelCondition(Classes), learnsPrior: true);
        using var vae = TrainedVae.Load(Folder["export"]);
        var given = vae.Given(vae.Decoder.Metadata.Condition!.OfLabels([.. Enumerable.Range(0, 700).Select(i => i % 3)]));

        var images = new List<float>();
        await foreach (var block in given.Decoder.GenerateAsync(new ImageRange(100, 700), seed: 5))
        {
            images.AddRange(block.Images);
        }

        float[] one = vae.GivenClass(Classes[633 % 3]).Generate(count: 1, seed: 5, first: 633);
        Assert.That(Numbers.RelativeError([.. images.Skip(533 * Image.Dimensions).Take(Image.Dimensions)], one), Is.LessThan(1e-5));
        Assert.That(() => given.Decoder.GenerateAsync(new ImageRange(0, 701), seed: 5), Throws.ArgumentException.With.Message.EqualTo("There are conditions for 700 images, but image 700 needs one too: give more, or ask for fewer images."));
    }

    [Test]
    public void Completion_ShowsWhatIsVisible()
    {
        using var networks = Export(new MaskCondition(Image), learnsPrior: false);
        using var decoder = VaeDecoder.Load(Folder["export/decoder.onnx"]);
        float[] image = [.. Enumerable.Range(0, 64).Select(i => i / 64f)];
        bool[] isVisible = [.. Enumerable.Range(0, 64).Select(i => i < 32)];

        float[][] completions = [.. decoder.Given(decoder.Metadata.Condition!.OfVisible(image, isVisible)).Generate(count: 2, seed: 1).Chunk(64)];

        Assert.That(completions.Select(completion => completion[..32]), Has.All.EqualTo(image[..32]).Within(1e-6f));
        Assert.That(completions[0][32..], Is.Not.EqualTo(completions[1][32..]));
    }

    [Test]
    public async Task Page_GivesTheClassOfTheRequest()
    {
        using var networks = Export(new LabelCondition(Classes), learnsPrior: true);
        using var vae = TrainedVae.Load(Folder["export"]);
        await using var server = await PageServer.StartAsync(vae, "letters", port: 0);
        using var client = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };

        string model = await client.GetStringAsync("/api/model");
        string a = await client.GetStringAsync("/api/samples?seed=1&count=2&label=a"), again = await client.GetStringAsync("/api/samples?seed=1&count=2&label=a"), b = await client.GetStringAsync("/api/samples?seed=1&count=2&label=b");
        var none = await client.GetAsync(new Uri("/api/samples?seed=1&count=2", UriKind.Relative));

        Assert.That(model, Does.Contain("""
            "classes":["a","b","c"]
            """));
        Assert.That((a == again, a == b), Is.EqualTo((true, false)));
        Assert.That((int)none.StatusCode, Is.EqualTo(400));
        Assert.That(await none.Content.ReadAsStringAsync(), Does.Contain("is conditional on a class"));
    }

    [Test]
    public void Conditions_ThatDoNotFit_AreRefused()
    {
        using var networks = Export(new LabelCondition(Classes), learnsPrior: false);
        using var vae = TrainedVae.Load(Folder["export"]);
        using var plain = new ExportedModels();
        using var unconditional = TrainedVae.Load(plain.Export("mlp"));

        Assert.That(() => vae.Generate(1, seed: 1), Throws.ArgumentException.With.Message.EqualTo("The decoder is conditional on a class, one of a, b, c: bind it with Given first."));
        Assert.That(() => vae.Encoder.Encode(new float[64]), Throws.ArgumentException.With.Message.StartsWith("The encoder is conditional on a class"));
        Assert.That(() => vae.GivenClass("d"), Throws.ArgumentException.With.Message.StartsWith("There is no class 'd'; known are a, b, c."));
        Assert.That(() => vae.Given(Condition.Of([1f, 2f])), Throws.ArgumentException.With.Message.StartsWith("The condition has 2 values for each image; the encoder takes a class, one of a, b, c."));
        Assert.That(() => Condition.Of([float.NaN]), Throws.ArgumentException.With.Message.StartsWith("Value 0 of condition 0 is NaN; conditions must be finite."));
        Assert.That(() => vae.Decoder.Metadata.Condition!.OfVisible(new float[64], new bool[64]), Throws.ArgumentException.With.Message.Contains("not on a mask"));
        Assert.That(() => unconditional.GivenClass("a"), Throws.ArgumentException.With.Message.StartsWith("The model takes no condition"));
        Assert.That(() => unconditional.Given(Condition.Of([1f])), Throws.ArgumentException.With.Message.StartsWith("The encoder takes no condition: use it without Given."));
    }

    private VaeNetworks Export(OnnxVae.Models.Conditions.Condition condition, bool learnsPrior)
    {
        var networks = new VaeNetworks(new MlpNetwork(12), Image, Latents, condition: condition, learnsPrior: learnsPrior, seed: 2);
        if (learnsPrior)
        {
            foreach (var parameter in networks.named_children().Single(child => child.name == "prior").module.parameters())
            {
                nn.init.normal_(parameter, 0, 0.3);
            }
        }

        var model = new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo(), learnsPrior ? new ConditionalGaussianPrior() : null);
        var package = new PackageCompiler(model, new TrainingOptions { BatchSize = 4, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write(Folder["package"]);
        RunExport.Write(package, package.ReadInitialStates(), Folder["export"]);
        return networks;
    }
}
