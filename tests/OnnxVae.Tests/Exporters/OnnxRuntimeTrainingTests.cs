using System.Text.Json.Nodes;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.OnnxRuntimeTraining;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Tests.Exporters;

/// <summary>Artifacts of ONNX Runtime Training, trained by that runtime's last release, against the same steps here.</summary>
internal sealed class OnnxRuntimeTrainingTests : FolderFixture
{
    private const int Batch = 8, Steps = 50;
    private const double LearningRate = 1e-3; // what that runtime starts with; its WebAssembly build cannot set another one
    private const double LossTolerance = 1e-3, ParameterTolerance = 1e-2; // relative

    private static readonly ExampleShape Image = new(1, 16, 16);

    // 'conv' has transposed convolutions, 'residual' nearest upsampling and group normalization: the old runtime has no gradients of its own for them.
    [TestCase("mlp", "adamw")]
    [TestCase("conv", "adamw")]
    [TestCase("residual", "adamw")]
    [TestCase("mlp", "adam")]
    [TestCase("conv", "sgd")]
    [TestCase("mlp of labels", "adamw")]
    public void Artifacts_AreTrainedAsHere(string network, string optimizer)
    {
        if (!WebRuntime.IsAvailable)
        {
            Assert.Ignore("ONNX Runtime Training runs under Node.js here: install node and npm.");
        }

        using var networks = Networks(network);
        var rate = new ConstantSchedule(LearningRate);
        var compiler = Compiler(networks, optimizer switch { "adam" => new Adam(rate), "sgd" => new Sgd(rate), _ => new AdamW(rate, beta1: 0.8, weightDecay: 0.1) });
        var step = compiler.ToTrainingStep();
        TrainingArtifacts.Compile(step).Save(Folder["artifacts"]);
        var (losses, states) = TrainHere(compiler, step);

        var result = WebRuntime.Train(Folder["artifacts"]);

        Assert.That(result["error"], Is.Null, $"{result["error"]}");
        double[] there = [.. result["losses"]!.AsArray().Select(loss => loss!.GetValue<double>())];
        Assert.That(there.Zip(losses, (actual, expected) => Math.Abs(actual - expected) / Math.Abs(expected)).Max(), Is.LessThan(LossTolerance));
        var parameters = ParametersOf(result, step);
        Assert.Multiple(() =>
        {
            foreach (var (name, values) in parameters)
            {
                Assert.That(Numbers.RelativeError(values.As<float>().ToArray(), states[name].As<float>().ToArray()), Is.LessThan(ParameterTolerance), name);
            }
        });
        var saved = RuntimeCheckpoint.Load(Folder["artifacts/trained"]);
        Assert.That(saved.Step, Is.EqualTo(Steps));
        AssertSame(saved.Trained, parameters);
        Assert.That(saved.Moments.Values.SelectMany(moments => moments).Any(moment => moment.As<float>().ToArray().Any(number => number != 0)), Is.EqualTo(optimizer != "sgd"));
        AssertExports(compiler, saved);
    }

    [Test]
    public void Checkpoint_IsReadAsItWasWritten()
    {
        var trained = new Dictionary<string, Tensor> { ["b.weight"] = Tensor.From<float>([2, 3], 1, 2, 3, 4, 5, 6), ["a"] = Tensor.From<float>(Shape.Scalar, 7) };
        var frozen = new Dictionary<string, Tensor> { ["steps"] = Tensor.From<long>([2], 8, 9) };
        var moments = trained.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<Tensor>)[Tensor.Zeros(ElementType.Float32, entry.Value.Shape), entry.Value]);
        new RuntimeCheckpoint(trained, frozen) { Step = 12, LearningRate = 0.25f, Moments = moments }.Save(Folder["checkpoint"]);

        var read = RuntimeCheckpoint.Load(Folder["checkpoint"]);

        Assert.That((read.Step, read.LearningRate), Is.EqualTo((12, 0.25f)));
        AssertSame(read.Trained, trained);
        AssertSame(read.Frozen, frozen);
        foreach (var (name, both) in moments)
        {
            Assert.That(read.Moments[name].Select(moment => moment.As<float>().ToArray()), Is.EqualTo(both.Select(moment => moment.As<float>().ToArray())));
        }
    }

    // Each byte of the file, and each length: refused, or read as something else, but never anything else.
    [Test]
    public void Checkpoint_ThatIsDamaged_IsRefused()
    {
        new RuntimeCheckpoint(new Dictionary<string, Tensor> { ["a"] = Tensor.From<float>([2], 1, 2) }, new Dictionary<string, Tensor>()).Save(Folder["checkpoint"]);
        byte[] content = File.ReadAllBytes(Folder["checkpoint"]);
        int refused = 0;
        for (int i = 0; i < content.Length; i++)
        {
            byte[] changed = [.. content];
            changed[i] ^= 0xFF;
            refused += Refuses(changed);
            refused += Refuses(content[..i]);
        }

        Assert.That(refused, Is.GreaterThan(content.Length), "all that are shorter, and others");
        File.WriteAllText(Folder["text"], "a file of another kind");
        Assert.That(() => RuntimeCheckpoint.Load(Folder["text"]), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo($"'{Folder["text"]}' is not a checkpoint of ONNX Runtime Training: it does not begin as one."));
        Assert.That(() => RuntimeCheckpoint.Load(Folder["missing"]), Throws.TypeOf<FileNotFoundException>());

        int Refuses(byte[] bytes)
        {
            File.WriteAllBytes(Folder["damaged"], bytes);
            try
            {
                RuntimeCheckpoint.Load(Folder["damaged"]);
                return 0;
            }
            catch (InvalidDataException)
            {
                return 1;
            }
        }
    }

    [Test]
    public void Checkpoint_OfAnotherModel_IsRefused()
    {
        using VaeNetworks small = Networks("mlp"), other = Networks("conv");
        var package = Compiler(small, new Adam(new ConstantSchedule(1e-3))).Write(Folder["package"]);
        TrainingArtifacts.Compile(Compiler(other, new Adam(new ConstantSchedule(1e-3))).ToTrainingStep()).Save(Folder["other"]);
        string file = Folder["other/checkpoint"];
        var checkpoint = RuntimeCheckpoint.Load(file);

        Assert.That(() => checkpoint.StatesOf(package, file), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{file}' belongs to another model than '{package.Folder}': it has no '"));
        var wrong = checkpoint with { Trained = package.ReadInitialStates().Where(state => !state.Key.StartsWith("adam", StringComparison.Ordinal)).ToDictionary(state => state.Key, _ => Tensor.From<float>([1], 1)) };
        Assert.That(() => wrong.StatesOf(package, file), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith($"'{file}' cannot be used: its state '"));
    }

    [Test]
    public void Step_ThatTheFormatCannotHold_IsRefused()
    {
        using var networks = Networks("mlp");
        using var quantized = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4, ResidualBlocks = 1 }, Image, dimension: 4, hasTop: false, seed: 1);
        var adam = new Adam(new ConstantSchedule(1e-3));
        var model = new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo());

        Assert.That(Refusal(model, new RmsProp(new ConstantSchedule(1e-3))), Is.EqualTo("ONNX Runtime Training has no rmsprop: choose AdamW, Adam, or Sgd without momentum."));
        Assert.That(Refusal(model, new Sgd(new ConstantSchedule(1e-3), momentum: 0.9)), Does.Contain("leave momentum and weight decay out"));
        Assert.That(Refusal(model, new Adam(new ConstantSchedule(1e-3), weightDecay: 0.1)), Does.Contain("no Adam with a weight decay in the gradient"));
        Assert.That(Refusal(model, adam, options => options with { MaxGradientNorm = 1 }), Does.Contain("leave the clipping out"));
        Assert.That(Refusal(model, adam, options => options with { WeightAveraging = 0.9 }), Does.Contain("leave the weight averaging out"));
        Assert.That(Refusal(model, adam, options => options with { Groups = new Dictionary<string, Optimizer> { ["encoder"] = new Adam(new ConstantSchedule(1e-4)) } }), Does.Contain("leave out the groups"));
        Assert.That(Refusal(new VqVaeModel(quantized, new GaussianLikelihood(0.5f, PixelMean.Identity), new MovingAverageCodebook("bottom", 8, 4)), adam), Does.Contain("'codebook.bottom.counts' follows the batch"));
        Assert.That(Refusal(model, new Adam(new CosineSchedule(1e-3, 0, 10))), Does.Contain("leave its schedule out"));

        string Refusal(IModel refused, Optimizer optimizer, Func<TrainingOptions, TrainingOptions>? with = null)
        {
            var options = new TrainingOptions { BatchSize = Batch, Optimizer = optimizer };
            var step = new PackageCompiler(refused, with?.Invoke(options) ?? options).ToTrainingStep();
            return Assert.Throws<NotSupportedException>(() => TrainingArtifacts.Compile(step))!.Message;
        }
    }

    [Test]
    public void Inputs_OfTheUser_AreTheBatchThenNoiseThenSchedules()
    {
        using var networks = new VaeNetworks(new MlpNetwork(8), Image, latents: 2, PosteriorKind.Gaussian, new LabelCondition(["a", "b"]), seed: 1);
        var step = new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = Batch, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).ToTrainingStep();

        TrainingArtifacts.Compile(step).Save(Folder["artifacts"]);

        var roles = step.Inputs.ToDictionary(input => input.Spec.Name, input => input.Spec.Role);
        Assert.That(
            OnnxModel.Load(Folder["artifacts/training_model.onnx"]).Inputs.Select(input => input.Name).Where(roles.ContainsKey).Select(name => roles[name]),
            Is.EqualTo((InputRole[])[InputRole.Data, InputRole.Data, InputRole.StandardNormal, InputRole.Schedule]));
    }

    [Test]
    public void Package_WhoseStatesFollowTheTraining_TakesNoCheckpoint()
    {
        using var networks = Networks("mlp");
        var plain = new TrainingOptions { BatchSize = Batch, Optimizer = new Adam(new ConstantSchedule(1e-3)) };
        var model = new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo());
        TrainingArtifacts.Compile(new PackageCompiler(model, plain).ToTrainingStep()).Save(Folder["artifacts"]);
        var averaged = new PackageCompiler(model, plain with { WeightAveraging = 0.9 }).Write(Folder["averaged"]);

        Assert.That(() => RuntimeCheckpoint.Load(Folder["artifacts/checkpoint"]).StatesOf(averaged, "checkpoint"), Throws.TypeOf<InvalidDataException>().With.Message.StartsWith("'checkpoint' has no 'average."));
    }

    // That of labels leaves the encoder's first layer as it is.
    private static VaeNetworks Networks(string network)
    {
        bool isConditional = network == "mlp of labels";
        var networks = new VaeNetworks(network switch
        {
            "conv" => new ConvNetwork { Channels = [8, 16], Dense = 40 },
            "residual" => new ResidualNetwork { Channels = 8 },
            _ => new MlpNetwork(40),
        }, Image, latents: 4, PosteriorKind.Gaussian, isConditional ? new LabelCondition(["a", "b", "c"]) : null, seed: 1);
        if (isConditional)
        {
            networks.Encoder.parameters().First().requires_grad = false;
        }

        return networks;
    }

    private static PackageCompiler Compiler(VaeNetworks networks, Optimizer optimizer) =>
        new(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = Batch, Optimizer = optimizer });

    // On this project's engine; it leaves the same batches and noise for the other one.
    private (IReadOnlyList<double> Losses, IReadOnlyDictionary<string, Tensor> States) TrainHere(PackageCompiler compiler, TrainingStep step)
    {
        var specs = step.Inputs.ToDictionary(input => input.Spec.Name, input => input.Spec);
        InputSpec[] inputs = [.. OnnxModel.Load(Folder["artifacts/training_model.onnx"]).Inputs.Where(input => specs.ContainsKey(input.Name)).Select(input => specs[input.Name])];
        using var runner = new ProgramRunner(compiler.Step().Compile(), OnnxDevice.Cpu, threads: 2);
        using var data = File.Create(Folder["artifacts/data.bin"]);
        var losses = new List<double>();
        for (int i = 1; i <= Steps; i++)
        {
            byte[] images = new byte[Batch * Image.Dimensions];
            new Random(i).NextBytes(images);
            images.CopyTo(runner.Input<byte>("images"));
            foreach (var labels in inputs.Where(input => input.Type == ElementType.Int64))
            {
                for (int row = 0; row < Batch; row++)
                {
                    runner.Input<long>(labels.Name)[row] = (i + row) % 3;
                }
            }

            runner.FillNoise(1, i);
            runner.FillSchedules(i);
            foreach (var input in inputs)
            {
                data.Write(runner.Input<byte>(input.Name));
            }

            runner.Run();
            losses.Add(runner.Metric("loss")[0]);
        }

        var described = inputs.Select(input => (JsonNode)new JsonObject
        {
            ["name"] = input.Name,
            ["type"] = $"{input.Type}".ToLowerInvariant(),
            ["dims"] = new JsonArray([.. input.Shape.Select(size => (JsonNode)size)]),
        });
        File.WriteAllText(Folder["artifacts/case.json"], new JsonObject { ["steps"] = Steps, ["inputs"] = new JsonArray([.. described]) }.ToJsonString());
        return (losses, runner.States.Snapshot());
    }

    // One list of numbers, in the order of the model's inputs.
    private Dictionary<string, Tensor> ParametersOf(JsonNode result, TrainingStep step)
    {
        float[] numbers = [.. result["parameters"]!.AsArray().Select(number => number!.GetValue<float>())];
        var trained = step.States.Where(state => state.Spec.Role == StateRole.Parameter).ToDictionary(state => state.Spec.Name, state => state.Spec.Shape);
        var parameters = new Dictionary<string, Tensor>();
        int first = 0;
        foreach (string name in OnnxModel.Load(Folder["artifacts/training_model.onnx"]).Inputs.Select(input => input.Name).Where(trained.ContainsKey))
        {
            int count = (int)trained[name].ElementCount;
            parameters[name] = Tensor.From<float>(trained[name], numbers.AsSpan(first, count));
            first += count;
        }

        Assert.That(first, Is.EqualTo(numbers.Length));
        return parameters;
    }

    // The way back: a checkpoint with what the runtime has trained becomes encoder and decoder.
    private void AssertExports(PackageCompiler compiler, RuntimeCheckpoint saved)
    {
        var package = compiler.Write(Folder["package"]);
        var parameters = saved.Trained;

        RunExport.Write(package, saved.StatesOf(package, "trained"), Folder["export"]);

        var baked = OnnxModel.Load(Folder["export/decoder.onnx"]);
        var expected = package.ReadDeployable("decoder").AnyRuntime.Inputs.Where(input => parameters.ContainsKey(input.Name)).ToArray();
        Assert.That(expected, Is.Not.Empty);
        foreach (var input in expected)
        {
            Assert.That(baked.Proto.Graph.Initializer.Single(tensor => tensor.Name == input.Name).RawData.ToByteArray(), Is.EqualTo(parameters[input.Name].Data.ToArray()), input.Name);
        }

        using var vae = TrainedVae.Load(Folder["export"]);
        var decoder = vae.Decoder.Metadata.Condition is { } condition ? vae.Given(condition.OfLabels([0, 2])).Decoder : vae.Decoder;
        Assert.That(decoder.Generate(count: 2, seed: 1), Is.All.InRange(0f, 1f));
    }

    private static void AssertSame(IReadOnlyDictionary<string, Tensor> actual, IReadOnlyDictionary<string, Tensor> expected)
    {
        Assert.That(actual.Keys, Is.EquivalentTo(expected.Keys));
        foreach (var (name, tensor) in expected)
        {
            Assert.That((actual[name].Type, actual[name].Shape), Is.EqualTo((tensor.Type, tensor.Shape)));
            Assert.That(actual[name].Data.ToArray(), Is.EqualTo(tensor.Data.ToArray()));
        }
    }
}
