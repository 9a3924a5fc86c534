using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Classifier;
using OnnxVae.Models.Networks;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;

namespace OnnxVae.Tests.Models;

/// <summary>The compiled step of a classifier against the same training written with TorchSharp.</summary>
internal sealed class ClassifierStepTests
{
    private const int BatchSize = 5;
    private const double LearningRate = 0.05, Momentum = 0.9;
    private static readonly string[] Classes = ["a", "b", "c"];
    private static readonly ExampleShape Image = new(1, 9, 12);

    [Test]
    public void Steps_EqualTorch()
    {
        random.manual_seed(4);
        using var network = new ConvNetwork { Channels = [6, 8], Dense = 10 }.Encoder(Image, Classes.Length, parameters: 1);
        var program = new PackageCompiler(new ClassifierModel(network, Image, Classes), new TrainingOptions { BatchSize = BatchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) }).Step();
        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads: 2);
        var optimizer = optim.SGD(network.parameters(), LearningRate, Momentum);

        for (int step = 1; step <= 4; step++)
        {
            var images = new byte[BatchSize * Image.Dimensions];
            new Random(step).NextBytes(images);
            long[] labels = [.. Enumerable.Range(0, BatchSize).Select(n => (long)(n * step % Classes.Length))];
            images.CopyTo(runner.Input<byte>("images"));
            labels.CopyTo(runner.Input<long>("labels"));
            runner.FillSchedules(step);
            var logits = network.forward(tensor(images.Select(pixel => pixel / 255f).ToArray()).reshape(BatchSize, Image.Channels, Image.Height, Image.Width));
            var loss = nn.functional.cross_entropy(logits, tensor(labels));
            float accuracy = logits.argmax(1).eq(tensor(labels)).to(ScalarType.Float32).mean().item<float>();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();

            runner.Run();

            Assert.That(runner.Metric("loss")[0], Is.EqualTo(loss.item<float>()).Within(1e-5), $"step {step}");
            Assert.That(runner.Metric("accuracy")[0], Is.EqualTo(accuracy), $"step {step}");
            var states = runner.States.Snapshot();
            foreach (var (name, parameter) in network.named_parameters())
            {
                Assert.That(Numbers.RelativeError(states[name].As<float>().ToArray(), parameter.ToArray()), Is.LessThan(1e-5), $"{name}, step {step}");
            }
        }
    }
}
