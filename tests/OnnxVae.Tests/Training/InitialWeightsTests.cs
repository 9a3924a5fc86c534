using System.Buffers.Binary;
using System.Text;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Training;

/// <summary>Trainings that start from weights that PyTorch or another run has trained.</summary>
internal sealed class InitialWeightsTests : FolderFixture
{
    private const float Tolerance = 1e-5f;

    // fc1, fc21 and fc22, fc3, fc4 of PyTorch's example, by the names that the same layers have in an mlp.
    private const string DenseNames = """
        {
          "encoder.1.weight": "fc1.weight", "encoder.1.bias": "fc1.bias",
          "encoder.3.weight": ["fc21.weight", "fc22.weight"], "encoder.3.bias": ["fc21.bias", "fc22.bias"],
          "decoder.0.weight": "fc3.weight", "decoder.0.bias": "fc3.bias",
          "decoder.2.weight": "fc4.weight", "decoder.2.bias": "fc4.bias"
        }
        """;

    [Test]
    public async Task DenseVaeOfPyTorch_ReconstructsAsThere_AndIsTrainedOn()
    {
        File.WriteAllText(Folder["names.json"], DenseNames);
        var package = Compile("package", new MlpNetwork(32), latents: 4);

        int set = InitialWeights.Read(Fixture("pytorch_vae"), InitialWeights.ReadNames(Folder["names.json"])).ApplyTo(package);

        Assert.That(set, Is.EqualTo(8));
        var expected = AssertReconstructs(package, "pytorch_vae");
        await AssertLearnsAsync(package, expected);
    }

    [Test]
    public async Task ConvolutionalVaeOfPyTorch_InHalfPrecision_ReconstructsAsThere_AndIsTrainedOn()
    {
        var package = Compile("package", new ConvNetwork { Channels = [4], Dense = 16 }, latents: 3);

        int set = InitialWeights.Read(Fixture("pytorch_conv_vae")).ApplyTo(package); // names as in the network, all behind 'module.'

        Assert.That(set, Is.EqualTo(12));
        var expected = AssertReconstructs(package, "pytorch_conv_vae");
        await AssertLearnsAsync(package, expected);
    }

    [Test]
    public async Task Weights_OfARun_AreItsAveragedOnes_AndStartItsAverages()
    {
        var first = Compile("first", new MlpNetwork(8), latents: 2, averaging: 0.9);
        var run = new RunFolder(Folder["run"]);
        run.WriteOptions(new NoOptions());
        first.CopyTo(run.Package);
        using (var trainer = Trainer.Start(TrainingPackage.Open(run.Package), run, new TrainerOptions { Steps = 5, Threads = 1 }))
        {
            await trainer.TrainAsync(new Stored(Load("pytorch_vae")["images"]));
        }

        var second = Compile("second", new MlpNetwork(8), latents: 2, averaging: 0.9);
        InitialWeights.Read(run.Path).ApplyTo(second);
        var checkpoint = InitialWeights.Read(run.NewestCheckpoint());

        var (trained, initial) = (run.LoadNewest(first).Checkpoint.States, second.ReadInitialStates());
        foreach (string name in (string[])["encoder.1.weight", "decoder.2.bias"])
        {
            Assert.That(initial[name].Data.ToArray(), Is.EqualTo(trained[$"average.{name}"].Data.ToArray()), name);
            Assert.That(initial[$"average.{name}"].Data.ToArray(), Is.EqualTo(initial[name].Data.ToArray()), name);
            Assert.That(initial[$"adam.m.{name}"].As<float>().ToArray(), Is.All.Zero, name);
        }

        checkpoint.ApplyTo(second);
        Assert.That(second.ReadInitialStates()["encoder.1.weight"].Data.ToArray(), Is.EqualTo(initial["encoder.1.weight"].Data.ToArray()));
    }

    [Test]
    public void Weights_ThatDoNotFit_AreListed()
    {
        var package = Compile("package", new MlpNetwork(8), latents: 2);
        var tensors = new Dictionary<string, Tensor>
        {
            ["encoder.1.weight"] = Tensor.Zeros(ElementType.Float32, [8, 144]),
            ["encoder.1.bias"] = Tensor.Zeros(ElementType.Float32, [9]),
            ["head.weight"] = Tensor.Zeros(ElementType.Float32, [1]),
        };
        Safetensors.Save(Folder["weights.safetensors"], tensors);
        byte[] before = File.ReadAllBytes(package.PathOf("initial.safetensors"));

        Assert.That(() => InitialWeights.Read(Folder["weights.safetensors"]).ApplyTo(package), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder["weights.safetensors"]}' does not fit the model: missing encoder.3.weight, encoder.3.bias, decoder.0.weight, decoder.0.bias, decoder.2.weight, decoder.2.bias; " +
            "unexpected head.weight; of another type or shape: encoder.1.bias is Float32 [9], expected Float32 [8]. Map the names, or take what matches."));
        Assert.That(File.ReadAllBytes(package.PathOf("initial.safetensors")), Is.EqualTo(before));

        var (set, kept) = InitialWeights.Read(Folder["weights.safetensors"]).ApplyMatchingTo(package);
        Assert.That((set, kept.Count), Is.EqualTo((1, 7)));
        Assert.That(package.ReadInitialStates()["encoder.1.weight"].As<float>().ToArray(), Is.All.Zero);
    }

    [TestCase("weights.pt", "anything")]
    [TestCase("weights.safetensors", "PK\u0003\u0004archive")]
    public void Pickle_IsRefused_WithTheLineThatConvertsIt(string name, string content)
    {
        File.WriteAllText(Folder[name], content, Encoding.Latin1);

        Assert.That(() => InitialWeights.Read(Folder[name]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
            $"'{Folder[name]}' is a Python pickle, which can run code when it is loaded; convert it with: python -c \"import torch, safetensors.torch; " +
            $"file = torch.load(r'{Folder[name]}', map_location='cpu', weights_only=True); weights = file.get('state_dict', file.get('model_state_dict', file)); " +
            $"safetensors.torch.save_file({{name: weight.clone().contiguous() for name, weight in weights.items() if torch.is_tensor(weight)}}, r'{Folder["weights.safetensors"]}')\""));
    }

    [TestCase("[1]", ": expected a JSON object as in {\"encoder.1.weight\": \"fc1.weight\"}; a list in place of a name joins tensors.")]
    [TestCase("null", ": expected a JSON object as in {\"encoder.1.weight\": \"fc1.weight\"}; a list in place of a name joins tensors.")]
    [TestCase("{\"encoder.1.weight\": 3}", ": expected a JSON object as in {\"encoder.1.weight\": \"fc1.weight\"}; a list in place of a name joins tensors.")]
    [TestCase("{\"encoder.1.weight\": \"fc9.weight\"}", "has no tensor 'fc9.weight', which the table gives for 'encoder.1.weight'; it has fc1.bias, fc1.weight, fc21.bias, fc21.weight, fc22.bias, fc22.weight and 4 more.")]
    [TestCase("{\"encoder.1.weight\": [\"fc1.weight\", \"fc3.weight\"]}", "that 'encoder.1.weight' is to be joined from have different shapes: [32, 144], [32, 4].")]
    public void Names_ThatAreWrong_AreRefused(string names, string message)
    {
        File.WriteAllText(Folder["names.json"], names);

        Assert.That(() => InitialWeights.Read(Fixture("pytorch_vae"), InitialWeights.ReadNames(Folder["names.json"])), Throws.TypeOf<InvalidDataException>().With.Message.EndsWith(message));
    }

    [TestCase("F16", 0x3E00, 1.5f)]
    [TestCase("F16", 0xFC00, float.NegativeInfinity)]
    [TestCase("F16", 0x0001, 5.9604645e-8f)]
    [TestCase("BF16", 0x3FC0, 1.5f)]
    [TestCase("BF16", 0xC2F7, -123.5f)]
    public void Safetensors_OfHalfPrecision_BecomeFloats(string type, int bits, float expected)
    {
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"x":{"dtype":"{{{type}}}","shape":[1],"data_offsets":[0,2]}}"""), file = new byte[8 + header.Length + 2];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(8 + header.Length), (ushort)bits);
        File.WriteAllBytes(Folder["half.safetensors"], file);

        Assert.That(Safetensors.Load(Folder["half.safetensors"]).Tensors["x"].As<float>().ToArray(), Is.EqualTo((float[])[expected]));
    }

    [Test]
    public void Train_FromWeightsOfPyTorch_StartsBetterThanFromRandomOnes()
    {
        File.WriteAllText(Folder["names.json"], DenseNames);
        WriteImages();
        string[] command = ["train", "--data", Folder["images"], "--model", "mlp", "--hidden", "32", "--latent", "4", "--batch", "4", "--steps", "3", "--importance-samples", "0"];

        Support.Cli.Succeed([.. command, "--out", Folder["random"]]);
        var (exitCode, _, error) = Support.Cli.Run([.. command, "--from", Fixture("pytorch_vae"), "--weight-names", Folder["names.json"], "--freeze", "decoder", "--out", Folder["tuned"]]);

        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Contain($"Weights   8 tensors from {Fixture("pytorch_vae")}"));
        Assert.That(FirstLoss("tuned"), Is.LessThan(0.5 * FirstLoss("random")));
        var package = TrainingPackage.Open(Folder["tuned/package"]);
        var (initial, last) = (package.ReadInitialStates(), new RunFolder(Folder["tuned"]).LoadNewest(package).Checkpoint.States);
        Assert.That(last["decoder.2.weight"].Data.ToArray(), Is.EqualTo(initial["decoder.2.weight"].Data.ToArray()), "frozen");
        Assert.That(last["encoder.3.weight"].Data.ToArray(), Is.Not.EqualTo(initial["encoder.3.weight"].Data.ToArray()));

        (exitCode, _, error) = Support.Cli.Run([.. command, "--from", Fixture("pytorch_vae"), "--out", Folder["failed"]]);
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("does not fit the model: missing encoder.1.weight").And.EndWith("Map the names with --weight-names, or give --partial to take what matches.\n"));
        Assert.That(Directory.Exists(Folder["failed"]), Is.False);

        (exitCode, _, error) = Support.Cli.Run([.. command, "--partial", "--out", Folder["failed"]]);
        Assert.That((exitCode, error), Is.EqualTo((2, "onnxvae: --partial needs --from, the weights to take. See 'onnxvae train --help'.\n")));
    }

    private double FirstLoss(string run) => MetricsLog.ValueOf(MetricsLog.Read(new RunFolder(Folder[run]).Metrics)[0], "loss")!.Value;

    private void WriteImages()
    {
        var images = Load("pytorch_vae")["images"];
        Directory.CreateDirectory(Folder["images"]);
        for (int i = 0; i < 8; i++)
        {
            float[] image = [.. images.Data.Slice(i * 144, 144).ToArray().Select(pixel => pixel / 255f)];
            File.WriteAllBytes(Folder[$"images/{i}.png"], TestImages.ToPng(image, 1, 12, 12));
        }
    }

    private TrainingPackage Compile(string name, VaeNetwork network, int latents, double? averaging = null)
    {
        using var networks = new VaeNetworks(network, new ExampleShape(1, 12, 12), latents, seed: 3);
        return new PackageCompiler(
            new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()),
            new TrainingOptions { BatchSize = 8, Optimizer = new Adam(new ConstantSchedule(1e-3)), WeightAveraging = averaging }).Write(Folder[name]);
    }

    private static IReadOnlyDictionary<string, Tensor> AssertReconstructs(TrainingPackage package, string name)
    {
        var expected = Load($"{name}");
        using var encoder = VaeEncoder.Load(RunExport.Bake(package, "encoder", package.ReadInitialStates()).ToBytes());
        using var decoder = VaeDecoder.Load(RunExport.Bake(package, "decoder", package.ReadInitialStates()).ToBytes());
        var images = new float[8 * 144];
        Pixels.ToFloat(expected["images"].Data.Span, images);

        float[] reconstructions = decoder.Decode(encoder.Encode(images).Mean);

        Assert.That(reconstructions, Is.EqualTo(expected["reconstructions"].As<float>().ToArray()).Within(Tolerance));
        return expected;
    }

    private async Task AssertLearnsAsync(TrainingPackage package, IReadOnlyDictionary<string, Tensor> expected)
    {
        var run = new RunFolder(Folder["tuned"]);
        using var trainer = Trainer.Start(package, run, new TrainerOptions { Steps = 200, Threads = 2, LogEvery = 1 });
        await trainer.TrainAsync(new Stored(expected["images"]));

        double[] losses = [.. MetricsLog.Read(run.Metrics).Select(line => MetricsLog.ValueOf(line, "loss")!.Value)];
        Assert.That(losses.TakeLast(20).Average(), Is.LessThan(losses.Take(20).Average()));
    }

    private static IReadOnlyDictionary<string, Tensor> Load(string name) => Safetensors.Load(Fixture($"{name}_expected")).Tensors;

    private static string Fixture(string name) => Path.Combine(Repository.Root, $"tests/OnnxVae.Tests/Fixtures/{name}.safetensors");

    private sealed record NoOptions : IRunOptions
    {
        public static string Kind => "test";
    }

    private sealed class Stored(Tensor images) : ImageSource
    {
        public override long Count => images.Shape[0];

        public override ExampleShape Shape { get; } = new(1, 12, 12);

        public override void Read(long index, Span<byte> pixels) => images.Data.Span.Slice((int)index * ImageSize, ImageSize).CopyTo(pixels);
    }
}
