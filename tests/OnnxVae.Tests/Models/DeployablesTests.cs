using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;
using InferenceSession = Microsoft.ML.OnnxRuntime.InferenceSession;
using OnnxTensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Tests.Models;

internal sealed class DeployablesTests
{
    private const double Tolerance = 1e-5;

    [Test]
    public void Package_EveryFile_HasStandardOperatorsOfSet18AndRightShapes([Values("mlp", "conv", "residual")] string network, [Values("bernoulli", "gaussian-optimal")] string likelihood)
    {
        using var test = new TestVae(network, likelihood);

        foreach (string file in Directory.EnumerateFiles(test.Package.Folder, "*.onnx"))
        {
            var model = OnnxModel.Load(file);
            Assert.That(model.OperatorSets, Is.EqualTo((Dictionary<string, long>)new() { ["ai.onnx"] = 18 }), file);
            Assert.That(model.OperatorCounts.Keys, Has.None.Contains("."), file);
            Assert.That(model.OperatorCounts.Keys, Has.None.EqualTo("Expand").And.None.StartsWith("Random"), file);
            using var options = GraphRunner.StrictOptions();
            Assert.That(() => new InferenceSession(file, options).Dispose(), Throws.Nothing, file);
        }
    }

    [Test]
    public void EncoderAndDecoder_WithTrainedWeights_EqualTorch([Values("mlp", "conv", "residual")] string network, [Values(1, 7, 64)] int batch, [Values(null, "cpu")] string? provider)
    {
        using var test = new TestVae(network, "bernoulli");
        for (int step = 1; step <= 5; step++)
        {
            test.RunStep(step);
        }

        var states = test.States.Snapshot();
        LoadIntoTorch(test.Vae, states);
        using var encoder = VaeEncoder.Load(RunExport.Bake(test.Package, "encoder", states, provider).ToBytes());
        using var decoder = VaeDecoder.Load(RunExport.Bake(test.Package, "decoder", states, provider).ToBytes());
        var image = test.Vae.Shape;
        float[] images = [.. Numbers.StandardNormal(batch * image.Dimensions, 3).Select(x => Math.Clamp(0.5f + (0.2f * x), 0, 1))];
        float[] latents = Numbers.StandardNormal(batch * test.Vae.Latents, 4);

        float[] mean = new float[latents.Length], logVar = new float[latents.Length], decoded = new float[images.Length];
        encoder.Encode(images, mean, logVar);
        decoder.Decode(latents, decoded);

        using var encoded = test.Vae.Encoder.forward(images.ToTorch([batch, image.Channels, image.Height, image.Width]));
        using var expected = test.Vae.Decoder.forward(latents.ToTorch([batch, test.Vae.Latents])).sigmoid();
        Assert.Multiple(() =>
        {
            Assert.That(Numbers.RelativeError(mean, encoded.narrow(1, 0, test.Vae.Latents).ToArray()), Is.LessThan(Tolerance));
            Assert.That(Numbers.RelativeError(logVar, encoded.narrow(1, test.Vae.Latents, test.Vae.Latents).ToArray()), Is.LessThan(Tolerance));
            Assert.That(Numbers.RelativeError(decoded, expected.ToArray()), Is.LessThan(Tolerance));
        });
    }

    [Test]
    public void Decoder_Metadata_DescribesItself()
    {
        using var test = new TestVae("conv", "gaussian");
        using var encoder = VaeEncoder.Load(RunExport.Bake(test.Package, "encoder", test.States.Snapshot()).ToBytes());
        using var decoder = VaeDecoder.Load(RunExport.Bake(test.Package, "decoder", test.States.Snapshot()).ToBytes());

        Assert.Multiple(() =>
        {
            Assert.That(decoder.Metadata.Axes, Is.EqualTo((int[])[3, 18, 17]));
            Assert.That(decoder.Metadata with { Weights = null }, Is.EqualTo(new ModelMetadata(
                "decoder", LatentSize: 4, decoder.Metadata.Axes, "E[-ln P(y|z)] + beta KL(Q(z|y) || P(z)), P(y|z) = gaussian, P(z) = standard-normal", ImagesAtATime: null)
            { PriorName = "standard-normal" }));
            Assert.That(decoder.Metadata.Weights, Is.Not.Null.And.EqualTo(encoder.Metadata.Weights));
        });
    }

    [Test]
    public void Decoder_ForTheProcessor_SaysHowManyImagesItIsMadeFor([Values("mlp", "conv")] string network)
    {
        using var test = new TestVae(network, "bernoulli");
        using var decoder = VaeDecoder.Load(RunExport.Bake(test.Package, "decoder", test.States.Snapshot(), "cpu").ToBytes());

        Assert.That(decoder.Metadata.ImagesAtATime, network == "mlp" ? Is.Null : Is.EqualTo(16));
    }

    [Test]
    public void FileForTheProcessor_IsThePlainOne_ForOneImage_AndFasterForms_ForMany()
    {
        using var folder = new TemporaryFolder();
        using var test = new TestVae("conv", "bernoulli");
        var states = test.States.Snapshot();
        OnnxModel plain = RunExport.Bake(test.Package, "decoder", states), tuned = RunExport.Bake(test.Package, "decoder", states, "cpu");
        tuned.Save(folder["with_data.onnx"], externalData: true);
        var input = plain.Inputs[0].Shape;
        float[] one = Numbers.StandardNormal(input.Skip(1).Aggregate(1L, (product, size) => product * size), 1), many = [.. Enumerable.Repeat(one, 16).SelectMany(x => x)];

        Assert.That(tuned.OperatorCounts["If"], Is.EqualTo(1));
        Assert.That(tuned.Initializers.Count(tensor => states.ContainsKey(tensor.Name)), Is.EqualTo(2 * plain.Initializers.Count(tensor => states.ContainsKey(tensor.Name))));
        Assert.That(GraphRunner.Run(tuned, one), Is.EqualTo(GraphRunner.Run(plain, one)));
        Assert.That(GraphRunner.Run(OnnxModel.Load(folder["with_data.onnx"]), one), Is.EqualTo(GraphRunner.Run(plain, one)));
        foreach (var (actual, expected) in GraphRunner.RunStrictly(tuned, many).Zip(GraphRunner.Run(plain, many)))
        {
            Assert.That(Numbers.RelativeError(actual, expected), Is.LessThan(Tolerance));
        }
    }

    [Test]
    public void FileForTheProcessor_WithoutConvolutions_HasOneGraph()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = test.States.Snapshot();
        Assert.That(RunExport.Bake(test.Package, "decoder", states, "cpu").OperatorCounts, Is.EqualTo(RunExport.Bake(test.Package, "decoder", states).OperatorCounts));
    }

    [Test]
    public void Bake_WithForeignWeight_NamesIt()
    {
        using var test = new TestVae("mlp", "bernoulli");

        Assert.That(
            () => test.Package.ReadDeployable("decoder").Bake(new Dictionary<string, OnnxTensor> { ["decoder.0.weight"] = OnnxTensor.Zeros(ElementType.Float32, [2, 2]) }),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "Weight 'decoder.0.weight' is Float32 [2, 2], but the graph expects Float32 [16, 5]: it belongs to another model."));
    }

    [Test]
    public void Evaluate_OfOneBatch_EqualsTorch()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var (pixels, noise) = test.Batch(1);
        using var runner = new ProgramRunner(test.Package, test.Package.Manifest.Evaluate, test.States, threads: 2);
        pixels.CopyTo(runner.Input<byte>("images"));
        noise.CopyTo(runner.Input<float>("eps"));

        runner.Run();

        using var y = tensor(pixels.Select(pixel => pixel / 255f).ToArray()).reshape(test.BatchSize, 1, 9, 8);
        using var eps = tensor(noise).reshape(test.BatchSize, 5);
        using var encoded = test.Vae.Encoder.forward(y);
        var (mean, sigma) = (encoded.narrow(1, 0, 5), (0.5 * encoded.narrow(1, 5, 5)).exp());
        var z = mean + (sigma * eps);
        var distortion = nn.functional.binary_cross_entropy_with_logits(test.Vae.Decoder.forward(z), y, reduction: nn.Reduction.None).sum([1, 2, 3]);
        var (posterior, prior) = (distributions.Normal(mean, sigma), distributions.Normal(zeros_like(mean), ones_like(mean)));
        var logWeight = prior.log_prob(z).sum(1) - posterior.log_prob(z).sum(1) - distortion;
        Assert.Multiple(() =>
        {
            Assert.That(Numbers.RelativeError(runner.Metric("distortion").ToArray(), distortion.ToArray()), Is.LessThan(Tolerance));
            Assert.That(Numbers.RelativeError(runner.Metric("rate").ToArray(), (-0.5 * (1 + (2 * sigma.log()) - mean.square() - sigma.square())).sum([1]).ToArray()), Is.LessThan(Tolerance));
            Assert.That(Numbers.RelativeError(runner.Metric("logWeight").ToArray(), logWeight.ToArray()), Is.LessThan(Tolerance));
        });
    }

    private static void LoadIntoTorch(VaeNetworks vae, IReadOnlyDictionary<string, OnnxTensor> states)
    {
        using var noGradient = no_grad();
        foreach (var (name, parameter) in vae.named_parameters())
        {
            parameter.copy_(states[name].As<float>().ToArray().ToTorch(states[name].Shape));
        }
    }
}
