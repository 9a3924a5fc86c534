using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using static TorchSharp.torch.nn;
using GraphProgram = OnnxVae.Exporters.Programs.Program;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Exporters;

internal sealed class ModuleLoweringTests
{
    private const double ForwardTolerance = 1e-5;

    [Test]
    public void TorchSharpModules_AreLoweredOrListedWithReason()
    {
        var modules = typeof(torch).Assembly.GetExportedTypes()
            .Where(type => type.IsAssignableTo(typeof(Module)) && !type.IsAbstract);

        Assert.That(LayerTable.Default.ModuleTypes.Concat(LayerTable.NotLowered.Keys), Is.EquivalentTo(modules));
    }

    [Test]
    public void LayerRows_CoverEveryLoweredModule()
    {
        var tried = LayerRows.All.Select(row => row.Build()).SelectMany(layer => layer.modules().Append(layer)).Select(layer => layer.GetType());

        // Dropout and RReLU draw at random in training: see RandomLayersTests.
        Assert.That(LayerTable.Default.ModuleTypes.Except(tried).Except(RandomLayersTests.Layers), Is.Empty);
    }

    [Test]
    public void Node_OfModule_CarriesItsPath()
    {
        using var network = Sequential(("first", Linear(2, 3)), ("act", ReLU()));

        var y = new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 2]));

        Assert.That(y.Producer!.Path, Is.EqualTo("act"));
        Assert.That(y.Inputs[0].Producer!.Path, Is.EqualTo("first"));
    }

    [Test]
    public void Lower_OfUserModuleWithListAndDictionary_NamesParametersAsTorch()
    {
        using var network = new Branches();

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [2, 3])]);
        float[] data = Numbers.StandardNormal(6, 5);

        using var expected = network.call(data.ToTorch([2, 3]));
        Assert.That(Numbers.RelativeError(GraphRunner.Run(model, [data])[0], expected.ToArray()), Is.LessThan(ForwardTolerance));
        Assert.That(model.Initializers.Select(tensor => tensor.Name), Is.SupersetOf(["steps.0.weight", "steps.1.bias", "heads.wide.weight"]));
    }

    // Whose storage, offset and shape agree.
    [Test]
    public void Lower_OfAViewOfAWeight_TakesItsStridesIntoAccount()
    {
        using var network = new SymmetricViews();
        float[] data = Numbers.StandardNormal(6, 5);

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [2, 3])]);

        using var expected = network.call(data.ToTorch([2, 3]));
        Assert.That(Numbers.RelativeError(GraphRunner.Run(model, [data])[0], expected.ToArray()), Is.LessThan(ForwardTolerance));
        Assert.That(() => new ModuleLowering(network).ForTraining(), Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
            "Parameters 'weight' and 'transposed' are different views of the same memory, which a training step would update separately: make one of them the parameter, and compute the other from it."));
    }

    [Test]
    public void Export_WithGradientsSwitchedOff_FindsTheRowOfPadding([Values] bool isInference)
    {
        using var embedding = Embedding(5, 3, padding_idx: 2);
        using var off = isInference ? torch.inference_mode() : torch.no_grad();

        var lowering = new ModuleLowering(embedding);
        var rows = lowering.Lower(embedding, Value.Input("x", ElementType.Int64, [4]));

        Assert.That(rows.Producer!.OperatorType, Is.EqualTo("Where"), "the row without a gradient is chosen");
        Assert.That(torch.is_grad_enabled(), Is.False, "as it was");
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Lower_OfModuleWithHooks_IsRefused(bool isBefore)
    {
        using var network = Sequential(("first", Linear(2, 3)), ("act", ReLU()));
        var child = (LayerModule)network.named_children().First().module;
        _ = isBefore ? child.register_forward_pre_hook((_, x) => x * 2) : child.register_forward_hook((_, _, y) => y * 2);

        Assert.That(() => OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [1, 2])]), Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
            "Linear 'first': it has forward hooks, which a graph would not include: remove them, or move their work into a module."));
    }

    [Test]
    public void Lower_OfLayerWithoutOutputs_SaysSo()
    {
        using var layer = Linear(4, 0);

        Assert.That(() => OnnxExporter.Build(layer, [new ModelTensor("input", ElementType.Float32, [1, 4])]), Throws.InstanceOf<NotSupportedException>().With.Message.Contains(
            "it has 4 inputs and 0 outputs, and graphs cannot hold empty tensors: give it at least one of each."));
    }

    [Test]
    public void Lower_WithRegisteredRow_UsesIt()
    {
        using var network = Sequential(Linear(3, 3), new Doubling());
        var layers = LayerTable.Default.With<Doubling>((_, _, x) => 2f * x);
        float[] data = Numbers.StandardNormal(6, 5);

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [2, 3])], new OnnxExportOptions { Layers = layers });

        using var expected = network.call(data.ToTorch([2, 3]));
        Assert.That(Numbers.RelativeError(GraphRunner.Run(model, [data])[0], expected.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [Test]
    public void Lower_OfSharedLayer_SharesItsParameters()
    {
        using var shared = Linear(3, 3);
        using var network = Sequential(("first", shared), ("act", Tanh()), ("second", shared));
        var lowering = new ModuleLowering(network);

        var y = lowering.Lower(network, Value.Input("x", ElementType.Float32, [1, 3]));

        Assert.That(y.Inputs[1], Is.SameAs(y.Inputs[0].Inputs[0].Inputs[1]));
        Assert.That(lowering.Parameters.Select(state => state.Spec.Name), Is.EqualTo((string[])["first.weight", "first.bias"]));
    }

    [Test]
    public void Lower_OfTiedWeights_HasOneState()
    {
        using var embedding = Embedding(5, 3);
        using var linear = Linear(3, 5, hasBias: false);
        linear.weight = embedding.weight!;
        using var network = Sequential(("embedding", embedding), ("linear", linear));
        var lowering = new ModuleLowering(network);

        var y = lowering.Lower(network, Value.Input("x", ElementType.Int64, [1, 3]));

        Assert.That(lowering.Parameters.Select(state => state.Spec.Name), Is.EqualTo((string[])["embedding.weight"]));
        Assert.That(GraphOrder.Of([y]).Count(value => value.Name == "embedding.weight"), Is.EqualTo(1));
    }

    [Test]
    public void Lower_OfRescalingEmbedding_IsRefusedAndLeavesTheWeights()
    {
        using var embedding = Embedding(5, 3, max_norm: 0.1);
        float[] before = embedding.weight!.ToArray();

        Assert.That(
            () => new ModuleLowering(embedding).Lower(embedding, Value.Input("x", ElementType.Int64, [2])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "Embedding '': it rescales its rows to max_norm on reading, which graphs cannot do: create it without max_norm."));
        Assert.That(embedding.weight!.ToArray(), Is.EqualTo(before));
    }

    [Test]
    public void Lower_OfNativeLayers_LeavesTorchsRandomNumbersAlone()
    {
        using var gru = GRU(4, 3, numLayers: 2, dropout: 0);
        using var before = torch.get_rng_state();

        new ModuleLowering(gru).ForTraining().Lower(gru, Value.Input("x", ElementType.Float32, [5, 2, 4]));

        using var after = torch.get_rng_state();
        Assert.That(after.equal(before).all().item<bool>());
    }

    [Test]
    public void BatchNorm_InTrainingWithSymbolicBatch_SaysWhy()
    {
        using var layer = BatchNorm1d(3);

        Assert.That(
            () => new ModuleLowering(layer).ForTraining().Lower(layer, Value.Input("x", ElementType.Float32, [Shape.Batch, 3])),
            Throws.InstanceOf<ArgumentException>().With.Message.EqualTo(
                "BatchNorm1d '': the running variance needs the number of entries, but the batch of 'x Float32 [N, 3]' is symbolic: fix the batch size."));
    }

    [TestCaseSource(nameof(WrongRanks))]
    public void Lower_OfInputsOfWrongRank_IsRefused(Func<Module> build, Shape input)
    {
        using var layer = build();

        Assert.That(
            () => new ModuleLowering(layer).ForTraining().Lower(layer, Value.Input("x", ElementType.Float32, input)),
            Throws.InstanceOf<ArgumentException>().With.Message.Contains(" axes"));
    }

    private static readonly TestCaseData[] WrongRanks =
    [
        new((Func<Module>)(() => MaxPool2d(2)), Shape.Create([3, 6, 8])),
        new((Func<Module>)(() => AvgPool1d(2)), Shape.Create([3, 6])),
        new((Func<Module>)(() => AdaptiveAvgPool2d(1)), Shape.Create([3, 6, 8])),
        new((Func<Module>)(() => PixelShuffle(2)), Shape.Create([4, 2, 2])),
        new((Func<Module>)(() => Dropout2d(0.5)), Shape.Create([4])),
        new((Func<Module>)(() => InstanceNorm1d(3)), Shape.Create([4, 3])),
        new((Func<Module>)(() => Flatten(0, 1)), Shape.Create([Shape.Batch, 3, 2])),
    ];

    [Test]
    public void ForTraining_OfModuleInEval_LowersItsEvaluation()
    {
        using var network = Sequential(("norm", BatchNorm1d(3)), ("drop", Dropout(0.5)));
        network.eval();

        var training = new ModuleLowering(network).ForTraining();
        training.Lower(network, Value.Input("x", ElementType.Float32, [4, 3]));

        Assert.That(training.Updates, Is.Empty);
        Assert.That(training.Noise, Is.Empty);
    }

    [Test]
    public void BatchNorm_WithoutMomentum_AveragesAllBatches()
    {
        using var layer = BatchNorm1d(3);
        layer.momentum = null;
        var training = new ModuleLowering(layer).ForTraining();
        var x = ProgramInput.Data("x", ElementType.Float32, [8, 3]);
        var y = new Metric("y", MetricRole.PerRow, training.Lower(layer, x.Value));
        var program = new GraphProgram("step", [x], training.States, training.Updates, [y]);
        using var runner = new StepRunner(program);
        layer.train();

        foreach (ulong step in (ulong[])[1, 2, 3])
        {
            float[] data = Numbers.StandardNormal(24, step);
            runner.Run(data);
            layer.call(data.ToTorch([8, 3])).Dispose();
        }

        Assert.That(Numbers.RelativeError(runner.State("running_mean"), layer.running_mean!.ToArray()), Is.LessThan(ForwardTolerance));
        Assert.That(Numbers.RelativeError(runner.State("running_var"), layer.running_var!.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [Test]
    public void Lower_OfWrongChannels_NamesModuleAndShapes()
    {
        using var network = Sequential(("conv1", Conv2d(1, 32, 4)));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3, 8, 8])),
            Throws.InstanceOf<ArgumentException>().With.Message.EqualTo(
                "Conv2d 'conv1': Convolution: input has 3 channels but weight [32, 1, 4, 4] in 1 group(s) expects 1."));
    }

    [Test]
    public void Lower_OfWrongRank_SaysWhatIsExpected()
    {
        using var network = Sequential(("conv1", Conv2d(1, 32, 4)));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [8, 8])),
            Throws.InstanceOf<ArgumentException>().With.Message.EqualTo(
                "Conv2d 'conv1': the input 'x Float32 [8, 8]' must have 4 axes: batch, channels, and 2 of the image."));
    }

    [Test]
    public void Lower_OfWrongNumberOfInputs_Throws()
    {
        using var layer = Bilinear(2, 2, 2);

        Assert.That(
            () => new ModuleLowering(layer).Lower(layer, Value.Input("x", ElementType.Float32, [1, 2])),
            Throws.InstanceOf<ArgumentException>().With.Message.EqualTo("Bilinear '': it was given 1 input(s); expected 2."));
    }

    [Test]
    public void Lower_OfUnknownModule_SaysWhatToDo()
    {
        using var network = Sequential(("odd", new Doubling()));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "Doubling 'odd': there is no lowering. Implement ILowerable or IMultiLowerable on it, or add a row with LayerTable.With."));
    }

    [Test]
    public void Lower_OfListedModule_GivesTheReason()
    {
        using var network = RNN(3, 4);

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [5, 1, 3])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "RNN '': there is no lowering: TorchSharp does not tell whether it takes tanh or ReLU; use GRU or LSTM."));
    }

    [Test]
    public void Lower_OfUnusableSetting_NamesModuleAndRemedy()
    {
        using var network = Sequential(("blocks", Sequential(("act", Hardtanh()))));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "Hardtanh 'blocks.act': in TorchSharp 0.107 it returns its input unchanged unless it works in place: create it with inplace: true, or use ReLU6."));
    }

    [Test]
    public void Lower_OfOutputPaddingAboveTheStride_IsRefused()
    {
        using var layer = ConvTranspose2d(2, 3, 3, dilation: 2, output_padding: 1);

        Assert.That(
            () => new ModuleLowering(layer).Lower(layer, Value.Input("x", ElementType.Float32, [1, 2, 4, 4])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "ConvTranspose2d '': output padding 1 must be below the stride [1, 1]: pad the result instead."));
    }

    [Test]
    public void Lower_OfUnequalAdaptiveWindows_NamesSizes()
    {
        using var network = Sequential(("pool", AdaptiveMaxPool2d([3, 2])));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3, 7, 4])),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "AdaptiveMaxPool2d 'pool': pooling [7, 4] to [3, 2] has windows of unequal sizes: choose sizes that divide the image's."));
    }

    [Test]
    public void Lower_OfForeignModule_Throws()
    {
        using var network = Linear(3, 3);
        using var foreign = Linear(3, 3);

        Assert.That(
            () => new ModuleLowering(network).Lower(foreign, Value.Input("x", ElementType.Float32, [1, 3])),
            Throws.ArgumentException.With.Message.EqualTo("Module Linear has parameters, but is not part of the network that is being lowered: register it as a submodule."));
    }

    [Test]
    public void ForTraining_OfTransformerWithDropout_SaysWhatToDo()
    {
        using var layer = TransformerEncoderLayer(4, 2, 8, dropout: 0.3);
        var x = Value.Input("x", ElementType.Float32, [3, 2, 4]);

        Assert.That(() => new ModuleLowering(layer).Lower(layer, x), Throws.Nothing);
        Assert.That(
            () => new ModuleLowering(layer).ForTraining().Lower(layer, x),
            Throws.InstanceOf<NotSupportedException>().With.Message.EqualTo(
                "TransformerEncoderLayer '': it uses dropout in training, with a probability that TorchSharp does not expose: create it with dropout 0 and add Dropout layers around it."));
    }

    [Test]
    public void TrainingStep_OfFrozenParameter_LeavesItAlone()
    {
        using var network = Sequential(("frozen", Linear(3, 3)), ("trained", Linear(3, 1)));
        foreach (var parameter in network.named_parameters().Where(pair => pair.name.StartsWith("frozen", StringComparison.Ordinal)))
        {
            parameter.parameter.requires_grad = false;
        }

        var lowering = new ModuleLowering(network);
        var x = ProgramInput.Data("x", ElementType.Float32, [2, 3]);
        var loss = Ops.Mean(Ops.Square(lowering.Lower(network, x.Value)));
        var step = new TrainingStep(loss, lowering.States, new Adam(new ConstantSchedule(0.1))) { Inputs = [x] }.ToProgram();

        Assert.That(step.Compile().Spec.Updates, Has.All.Contains("trained."));
        Assert.That(step.Compile().Spec.States, Has.Member("frozen.weight"));
    }

    private sealed class Doubling : LayerModule
    {
        public Doubling()
            : base(nameof(Doubling))
        {
        }

        public override torch.Tensor forward(torch.Tensor input) => 2 * input;
    }

    // x W V with V the transpose of W, in W's memory.
    private sealed class SymmetricViews : LayerModule, ILowerable
    {
        private readonly TorchSharp.Modules.Parameter weight;
        private readonly TorchSharp.Modules.Parameter transposed;

        public SymmetricViews()
            : base(nameof(SymmetricViews))
        {
            weight = new TorchSharp.Modules.Parameter(torch.randn(3, 3));
            transposed = new TorchSharp.Modules.Parameter(weight.detach().t());
            RegisterComponents();
        }

        public override torch.Tensor forward(torch.Tensor input) => input.mm(weight).tanh().mm(transposed);

        public Value Lower(ModuleLowering lowering, Value x) => Ops.MatMul(Ops.Tanh(Ops.MatMul(x, lowering.Parameter(weight))), lowering.Parameter(transposed));
    }

    private sealed class Branches : LayerModule, ILowerable
    {
        private readonly TorchSharp.Modules.ModuleList<LayerModule> steps = ModuleList<LayerModule>(Linear(3, 4), Linear(4, 3));
        private readonly TorchSharp.Modules.ModuleDict<LayerModule> heads = ModuleDict<LayerModule>(("wide", Linear(3, 5)));

        public Branches()
            : base(nameof(Branches)) => RegisterComponents();

        public override torch.Tensor forward(torch.Tensor input) => heads["wide"].call(steps.Aggregate(input, (y, step) => step.call(y).tanh()));

        public Value Lower(ModuleLowering lowering, Value x) =>
            lowering.Lower(heads["wide"], steps.Aggregate(x, (y, step) => Ops.Tanh(lowering.Lower(step, y))));
    }
}
