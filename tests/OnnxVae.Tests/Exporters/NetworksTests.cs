using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Tests.Networks;
using OnnxVae.Tests.Support;
using TorchSharp;
using GraphProgram = OnnxVae.Exporters.Programs.Program;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Exporters;

/// <summary>A network as a user would build it, with the shape of one input.</summary>
public sealed record NetworkRow(string Name, Func<LayerModule> Build, Shape Input)
{
    public override string ToString() => Name;
}

internal sealed class NetworksTests
{
    private const double ForwardTolerance = 1e-5;
    private const double LossTolerance = 1e-4;
    private const double ChangeTolerance = 2e-4;
    private const double LearningRate = 0.05;
    private const int Batch = 4;

    public static NetworkRow[] Rows =>
    [
        new("ResNet-18", () => ResNet18.Build(width: 16), [3, 64, 64]),
        new("U-Net", () => new UNet(channels: 2, width: 8, depth: 2), [2, 16, 16]),
        new("Vision Transformer", () => new VisionTransformer(imageSize: 16, patchSize: 4, features: 24, heads: 3, layers: 2, classes: 5), [3, 16, 16]),
        new("DCGAN generator", () => DcganGenerator.Build(latents: 12, width: 16), [12]),
    ];

    [Test]
    public void Export_AtAnyBatch_EqualsTorch([ValueSource(nameof(Rows))] NetworkRow row, [Values(1, 5)] int batch)
    {
        torch.random.manual_seed(3);
        using var network = row.Build();
        WarmUp(network, row);
        float[] data = Numbers.StandardNormal(batch * row.Input.ElementCount, 5);

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, .. row.Input])]);
        float[] actual = GraphRunner.RunStrictly(model, [data])[0];
        var fast = OnnxGraph.Read(model).ToModel(CompilationTarget.Deployment with { Provider = "cpu" });
        float[] actualFast = GraphRunner.RunStrictly(fast, [data])[0];

        network.eval();
        using var expected = network.call(data.ToTorch([batch, .. row.Input]));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
        Assert.That(Numbers.RelativeError(actualFast, expected.ToArray()), Is.LessThan(ForwardTolerance), "for the processor");
        Assert.That(model.Outputs[0].Shape.HasBatch);
        Assert.That(fast.Outputs[0].Shape, Is.EqualTo(model.Outputs[0].Shape));
    }

    // Every step from the same parameters, and without momentum, as rounding sometimes moves a number to the other side of a ReLU:
    // what that changes would grow from step to step. Of the steps by themselves most are without it.
    [Test]
    public void TenTrainingSteps_EqualTorch([ValueSource(nameof(Rows))] NetworkRow row, [Values] bool isPrecise)
    {
        torch.random.manual_seed(3);
        using var network = row.Build();
        using var criterion = torch.nn.MSELoss();
        network.train();
        var program = TrainingStep(row, network, Batch);
        var (x, target) = (program.Inputs[0].Spec.Shape, program.Inputs[1].Spec.Shape);
        using var runner = new StepRunner(program, CompilationTarget.Training with { IsPrecise = isPrecise });
        using var optimizer = torch.optim.SGD(network.parameters(), LearningRate);
        var tensors = network.named_parameters().Select(pair => (pair.name, Tensor: (torch.Tensor)pair.parameter))
            .Concat(network.named_buffers().Where(pair => pair.buffer.dtype == torch.float32).Select(pair => (pair.name, Tensor: pair.buffer)))
            .ToDictionary(pair => pair.name, pair => pair.Tensor);

        var errors = new List<double>();
        for (ulong step = 1; step <= 10; step++)
        {
            var before = tensors.Keys.ToDictionary(name => name, runner.State);
            float[] data = Numbers.StandardNormal(x.ElementCount, step), wanted = Numbers.StandardNormal(target.ElementCount, 100 + step);
            float actual = runner.Run(data, wanted)["loss"][0];

            using var scope = torch.NewDisposeScope();
            using (torch.no_grad())
            {
                foreach (var (name, tensor) in tensors)
                {
                    tensor.copy_(before[name].ToTorch([.. tensor.shape]));
                }
            }

            var loss = criterion.call(network.call(data.ToTorch(x)), wanted.ToTorch(target));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            Assert.That(actual, Is.EqualTo(loss.item<float>()).Within(LossTolerance * loss.item<float>()), $"loss of step {step}");
            errors.Add(tensors.Max(pair => Numbers.RelativeError(Change(runner.State(pair.Key), pair.Key), Change(pair.Value.ToArray(), pair.Key))));

            float[] Change(float[] after, string name) => [.. after.Zip(before[name], (now, then) => now - then)];
        }

        Assert.That(errors.Order().ElementAt(errors.Count / 2), Is.LessThan(ChangeTolerance), $"errors of the steps: {string.Join(", ", errors)}");
    }

    /// <summary>The step that fits a network to targets, with the inputs <c>x</c> and <c>target</c>.</summary>
    internal static GraphProgram TrainingStep(NetworkRow row, LayerModule network, int batch)
    {
        using var criterion = torch.nn.MSELoss();
        var training = new ModuleLowering(network).ForTraining();
        var x = ProgramInput.Data("x", ElementType.Float32, [batch, .. row.Input]);
        var y = training.Lower(network, x.Value);
        var target = ProgramInput.Data("target", ElementType.Float32, y.Shape);
        return new TrainingStep(training.Lower(criterion, y, target.Value), training.States, new Sgd(new ConstantSchedule(LearningRate)))
        {
            Inputs = [x, target],
            Updates = training.Updates,
        }.ToProgram();
    }

    // So that running averages are those of some batch.
    private static void WarmUp(LayerModule network, NetworkRow row)
    {
        network.train();
        using var scope = torch.NewDisposeScope();
        using var noGradient = torch.no_grad();
        network.call(Numbers.StandardNormal(Batch * row.Input.ElementCount, 9).ToTorch([Batch, .. row.Input]));
    }
}
