using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Inference;

/// <summary>Images are drawn from the prior that the model was trained with.</summary>
internal sealed class OwnPriorTests : FolderFixture
{
    private const int Seed = 3;

    private string Decoder => Folder["export/decoder.onnx"];

    [Test]
    public void Generate_OfLearnedPrior_DrawsFromItsFile()
    {
        Export(new LearnedGaussianPrior(5), states => states["prior.mean"] = Filled(states["prior.mean"], 2));
        using var decoder = VaeDecoder.Load(Decoder);
        using var vae = TrainedVae.Load(Folder["export"]);
        using var prior = LatentPrior.Load(Folder["export/prior.onnx"]);

        float[] images = decoder.Generate(count: 4, Seed);

        Assert.That(images, Is.EqualTo(decoder.Generate(count: 4, Seed, prior: prior)));
        Assert.That(images, Is.Not.EqualTo(decoder.Generate(count: 4, Seed, prior: LatentPrior.StandardNormal(5))).Within(1e-4));
        Assert.That(vae.Generate(count: 4, Seed), Is.EqualTo(images));
    }

    [Test]
    public void Generate_OfVampPriorWithoutItsFile_SaysWhatIsMissing()
    {
        Export(new VampPrior(4, new ExampleShape(1, 9, 8), seed: 1));
        File.Delete(Folder["export/prior.onnx"]);
        using VaeDecoder decoder = VaeDecoder.Load(Decoder), embedded = VaeDecoder.Load(File.ReadAllBytes(Decoder));

        Assert.That(() => decoder.Generate(count: 1, Seed), Throws.InvalidOperationException.With.Message.EqualTo(
            $"The model was trained with the prior 'vamp', but there is no prior.onnx in '{Folder["export"]}': put it next to the decoder's file, or load it and say that it is what to draw from."));
        Assert.That(() => embedded.Generate(count: 1, Seed), Throws.InvalidOperationException.With.Message.StartsWith(
            "The model was trained with the prior 'vamp', but there is no prior.onnx: "));
        Assert.That(() => TrainedVae.Load(Folder["export"]), Throws.InvalidOperationException.With.Message.Contains("there is no prior.onnx"));
    }

    [Test]
    public void Generate_OfStandardNormal_NeedsNoFile_AndTakesNoMixture()
    {
        Export(new StandardNormalPrior());
        using var decoder = VaeDecoder.Load(File.ReadAllBytes(Decoder));
        float[] expected = decoder.Generate(count: 3, Seed, prior: LatentPrior.StandardNormal(5));
        File.WriteAllText(Folder["export/mixture.onnx"], "fitted later");
        using var beside = VaeDecoder.Load(Decoder);

        Assert.That(decoder.Metadata.PriorName, Is.EqualTo("standard-normal"));
        Assert.That(decoder.Generate(count: 3, Seed), Is.EqualTo(expected));
        Assert.That(beside.Generate(count: 3, Seed), Is.EqualTo(expected));
    }

    [Test]
    public void Generate_OfDecoderThatDoesNotSayItsPrior_AsksForOne()
    {
        Export(new StandardNormalPrior());
        var model = OnnxModel.Load(Decoder);
        model.WithMetadata(model.Metadata.SetItem("onnxvae.prior", "")).Save(Decoder);
        using var decoder = VaeDecoder.Load(Decoder);

        Assert.That(() => decoder.Generate(count: 1, Seed), Throws.InvalidOperationException.With.Message.EqualTo(
            $"The decoder does not say which prior its model was trained with, and there is no prior.onnx in '{Folder["export"]}': export it again, or say what to draw from."));
        Assert.That(decoder.Generate(count: 1, Seed, prior: LatentPrior.StandardNormal(5)), Has.Length.EqualTo(72));
    }

    [Test]
    public void Generate_OfCodesWithoutAPriorOfThem_SaysSo()
    {
        using var vqvae = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4, ResidualBlocks = 1 }, new ExampleShape(1, 8, 8), dimension: 4, hasTop: false, seed: 1);
        var model = new VqVaeModel(vqvae, new BernoulliLikelihood(), new MovingAverageCodebook("bottom", 16, 4, 0.25, 0.99));
        var package = new PackageCompiler(model, new TrainingOptions { BatchSize = 4, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write(Folder["package"]);
        RunExport.Write(package, package.ReadInitialStates(), Folder["export"]);
        using var decoder = VaeDecoder.Load(Decoder);
        using var vae = TrainedVae.Load(Folder["export"]);

        Assert.That(() => decoder.Generate(count: 1, Seed), Throws.InvalidOperationException.With.Message.EqualTo(
            $"The decoder's latents are codes, and there is no prior of them in '{Folder["export"]}', of all levels: train one, or specify a prior."));
        Assert.That(() => vae.Generate(count: 1, Seed), Throws.InvalidOperationException);
        Assert.That(decoder.Generate(count: 1, Seed, prior: vae.Prior), Has.Length.EqualTo(64), "all codes equally likely, where that is asked for");
    }

    private void Export(Prior prior, Action<Dictionary<string, Tensor>>? change = null)
    {
        using var test = new TestVae("mlp", "bernoulli", with: options => options with { Prior = prior });
        var states = test.States.Snapshot().ToDictionary();
        change?.Invoke(states);
        RunExport.Write(test.Package, states, Folder["export"]);
    }

    private static Tensor Filled(Tensor like, float value) => Tensor.From<float>(like.Shape, [.. Enumerable.Repeat(value, (int)like.Shape.ElementCount)]);
}
