using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Tests.Support;
using TorchSharp;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Exporters;

/// <summary>One layer with settings that change the code path.</summary>
public sealed record LayerRow(string Name, Func<LayerModule> Build, Shape Input)
{
    public override string ToString() => $"{Name} {Input}";
}

internal sealed class LayersTests
{
    private const double ForwardTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;

    private static LayerRow[] Rows =>
    [
        new("Linear", () => Linear(5, 3), [4, 5]),
        new("Linear without bias", () => Linear(5, 3, hasBias: false), [4, 5]),
        new("Conv2d 3x3", () => Conv2d(3, 5, 3, padding: 1), [2, 3, 6, 7]),
        new("Conv2d 3x3, many channels", () => Conv2d(9, 5, 3, padding: 1), [2, 9, 6, 7]),
        new("Conv2d 4x4 stride 2", () => Conv2d(8, 4, 4, stride: 2, padding: 1), [2, 8, 8, 8]),
        new("Conv2d 4x4 stride 2, odd image", () => Conv2d(8, 4, 4, stride: 2, padding: 1), [2, 8, 9, 7]),
        new("Conv2d dilated", () => Conv2d(8, 4, 3, dilation: 2, padding: 2), [2, 8, 9, 7]),
        new("Conv2d strided and dilated", () => Conv2d(8, 4, 3, stride: 2, dilation: 2, padding: 2), [2, 8, 10, 9]),
        new("Conv2d in groups", () => Conv2d(16, 6, 3, padding: 1, groups: 2), [2, 16, 5, 6]),
        new("Conv2d without bias", () => Conv2d(2, 3, 1, bias: false), [2, 2, 3, 3]),
        new("ConvTranspose2d 4x4 stride 2", () => ConvTranspose2d(6, 4, 4, stride: 2, padding: 1), [2, 6, 4, 5]),
        new("ConvTranspose2d with output padding", () => ConvTranspose2d(6, 9, (4, 4), stride: (2, 2), padding: (1, 1), output_padding: (1, 0)), [2, 6, 4, 5]),
        new("ConvTranspose2d with output padding of one side", () => ConvTranspose2d(6, 9, (4, 4), stride: (2, 2), padding: (1, 1), output_padding: (0, 1)), [2, 6, 4, 5]),
        new("Conv2d oblong", () => Conv2d(2, 3, (3, 2), stride: (2, 1), padding: (1, 0), dilation: (1, 2)), [2, 2, 7, 6]),
        new("ConvTranspose2d oblong", () => ConvTranspose2d(2, 3, (3, 2), stride: (2, 1), padding: (1, 0), dilation: (1, 2)), [2, 2, 7, 6]),
        new("ConvTranspose2d in groups", () => ConvTranspose2d(6, 4, 3, groups: 2, bias: false), [2, 6, 4, 5]),
        new("ReLU", () => ReLU(), [3, 4]),
        new("LeakyReLU", () => LeakyReLU(0.1), [3, 4]),
        new("ELU", () => ELU(0.7), [3, 4]),
        new("SiLU", () => SiLU(), [3, 4]),
        new("GELU", () => GELU(), [3, 4]),
        new("GELU by tanh", () => GELU(TorchSharp.Modules.GELU.Approximate.tanh), [3, 4]),
        new("Sigmoid", () => Sigmoid(), [3, 4]),
        new("Tanh", () => Tanh(), [3, 4]),
        new("Softplus", () => Softplus(2), [3, 4]),
        new("Identity", () => Identity(), [3, 4]),
        new("Flatten", () => Flatten(), [2, 3, 4, 5]),
        new("Flatten inner axes", () => Flatten(1, 2), [2, 3, 4, 5]),
        new("Unflatten", () => Unflatten(1, [2, 3]), [4, 6]),
        new("nested Sequential", () => Sequential(Linear(4, 4), Sequential(Tanh(), Linear(4, 2))), [3, 4]),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Layer_OnRandomInput_EqualsTorch(LayerRow row)
    {
        torch.random.manual_seed(3);
        using var layer = row.Build();
        var lowering = new ModuleLowering(layer);
        var x = Value.Input("x", ElementType.Float32, row.Input);
        float[] data = Numbers.StandardNormal(row.Input.ElementCount, 5);

        var y = lowering.Lower(layer, x);
        float[] actual = GraphRunner.Run([y], [(x, data), .. Weights(lowering)])[0];

        using var expected = layer.forward(data.ToTorch(row.Input));
        Assert.That(y.Shape.ToArray(), Is.EqualTo(expected.shape));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [TestCaseSource(nameof(Rows))]
    public void Layer_Gradients_EqualAutograd(LayerRow row)
    {
        torch.random.manual_seed(3);
        using var layer = row.Build();
        var lowering = new ModuleLowering(layer);
        var x = Value.Input("x", ElementType.Float32, row.Input);
        float[] data = Numbers.StandardNormal(row.Input.ElementCount, 5);
        using var input = data.ToTorch(row.Input).requires_grad_();
        layer.forward(input).square().sum().backward();
        float[][] expected = [input.grad!.ToArray(), .. layer.parameters().Select(parameter => parameter.grad!.ToArray())];

        var loss = Ops.Sum(Ops.Square(lowering.Lower(layer, x)));
        var gradients = Backward.Gradients(loss, [x, .. lowering.Parameters.Select(parameter => parameter.Current)]);
        float[][] actual = GraphRunner.Run(gradients, [(x, data), .. Weights(lowering)]);

        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That(Numbers.RelativeError(actual[i], expected[i]), Is.LessThan(GradientTolerance), i == 0 ? "input" : lowering.Parameters[i - 1].Spec.Name);
        }
    }

    [TestCase(1)]
    [TestCase(5)]
    public void Layer_WithSymbolicBatch_RunsAtAnyBatch(int batch)
    {
        using var network = Sequential(Conv2d(1, 8, 4, stride: 2, padding: 1), ReLU(), Flatten(), Linear(32, 6), Unflatten(1, [6, 1, 1]), ConvTranspose2d(6, 2, 3));
        var lowering = new ModuleLowering(network);
        var x = Value.Input("x", ElementType.Float32, [Shape.Batch, 1, 4, 4]);
        float[] data = Numbers.StandardNormal(batch * 16, 5);

        float[] actual = GraphRunner.Run([lowering.Lower(network, x)], [(x, data), .. Weights(lowering)])[0];

        using var expected = network.forward(data.ToTorch([batch, 1, 4, 4]));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
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
    public void Lower_OfUserModule_UsesItsOwnLowering()
    {
        using var residual = new Residual(Linear(3, 3));
        var lowering = new ModuleLowering(residual);
        var x = Value.Input("x", ElementType.Float32, [2, 3]);
        float[] data = Numbers.StandardNormal(6, 5);

        float[] actual = GraphRunner.Run([lowering.Lower(residual, x)], [(x, data), .. Weights(lowering)])[0];

        using var expected = residual.forward(data.ToTorch([2, 3]));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [Test]
    public void Lower_OfWrongChannels_NamesModuleAndShapes()
    {
        using var network = Sequential(("conv1", Conv2d(1, 32, 4)));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3, 8, 8])),
            Throws.InstanceOf<ArgumentException>().With.Message.EqualTo("Conv2d 'conv1': Convolution: input has 3 channels but weight [32, 1, 4, 4] in 1 group(s) expects 1."));
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
        var step = TrainingStep.Create(loss, lowering.Parameters, new Adam(new ConstantSchedule(0.1)), [x], [], []);

        Assert.That(step.Compile().Spec.Updates, Has.All.Contains("trained."));
        Assert.That(step.Compile().Spec.States, Has.Member("frozen.weight"));
    }

    [Test]
    public void Lower_OfUnknownModule_SaysWhatToDo()
    {
        using var network = Sequential(("odd", Softmax(1)));

        Assert.That(
            () => new ModuleLowering(network).Lower(network, Value.Input("x", ElementType.Float32, [1, 3])),
            Throws.TypeOf<NotSupportedException>().With.Message.StartsWith("Softmax 'odd' has no lowering. Implement ILowerable on it, or compose it of supported layers: "));
    }

    private static IEnumerable<(Value, float[])> Weights(ModuleLowering lowering) =>
        lowering.Parameters.Select(parameter => (parameter.Current, parameter.Initial.As<float>().ToArray()));

    private sealed class Residual : LayerModule, ILowerable
    {
        private readonly LayerModule inner;

        public Residual(LayerModule inner)
            : base(nameof(Residual))
        {
            this.inner = inner;
            register_module(nameof(inner), inner);
        }

        public override torch.Tensor forward(torch.Tensor input) => input + inner.forward(input);

        public Value Lower(ModuleLowering lowering, Value x) => x + lowering.Lower(inner, x);
    }
}
