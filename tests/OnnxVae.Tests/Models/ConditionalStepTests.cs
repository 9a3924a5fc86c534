using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;
using Condition = OnnxVae.Models.Conditions.Condition;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>The compiled step of conditional VAEs against the same training written with TorchSharp.</summary>
internal sealed class ConditionalStepTests
{
    private const int BatchSize = 5, Latents = 3;
    private const double LearningRate = 0.01, Momentum = 0.9;
    private static readonly string[] Classes = ["a", "b", "c"];
    private static readonly ExampleShape Image = new(1, 9, 12);

    [Test]
    public void Steps_EqualTorch([Values("label", "vector", "mask")] string kind, [Values] bool learnsPrior, [Values("conv", "mlp")] string architecture)
    {
        Condition condition = kind switch
        {
            "label" => new LabelCondition(Classes),
            "vector" => new VectorCondition(2),
            _ => new MaskCondition(Image),
        };
        VaeNetwork network = architecture == "conv" ? new ConvNetwork { Channels = [4], Dense = 10 } : new MlpNetwork(10);
        using var vae = new VaeNetworks(network, Image, Latents, PosteriorKind.Gaussian, condition, learnsPrior, seed: 3);
        var model = new VaeModel(vae, new GaussianLikelihood(0.5), new BetaElbo(new ConstantSchedule(0.7)), learnsPrior ? new ConditionalGaussianPrior() : null);
        var program = new PackageCompiler(model, new TrainingOptions { BatchSize = BatchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) }).Step();
        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads: 2);
        var optimizer = optim.SGD(vae.parameters(), LearningRate, Momentum);

        for (int step = 1; step <= 4; step++)
        {
            var images = new byte[BatchSize * Image.Dimensions];
            new Random(step).NextBytes(images);
            images.CopyTo(runner.Input<byte>("images"));
            runner.FillNoise(seed: 1, step);
            runner.FillSchedules(step);
            var y = tensor(images.Select(pixel => pixel / 255f).ToArray()).reshape(BatchSize, Image.Channels, Image.Height, Image.Width);
            var (x, unknown) = Given(kind, runner, y, step);
            var loss = Loss(vae, y, x, unknown, tensor(runner.Input<float>("eps").ToArray()).reshape(BatchSize, Latents), beta: 0.7);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();

            runner.Run();

            Assert.That(runner.Metric("loss")[0], Is.EqualTo(loss.item<float>()).Within(0.001).Percent, $"step {step}");
            var states = runner.States.Snapshot();
            foreach (var (name, parameter) in vae.named_parameters())
            {
                Assert.That(Numbers.RelativeError(states[name].As<float>().ToArray(), parameter.ToArray()), Is.LessThan(1e-4), $"{name}, step {step}");
            }
        }
    }

    [Test]
    public void Networks_WithoutCondition_AreThoseOfBefore()
    {
        using var plain = new VaeNetworks(new MlpNetwork(10), Image, Latents, seed: 3);

        Assert.That(plain.named_children().Select(child => child.name), Is.EqualTo((string[])["encoder", "decoder"]));
    }

    [Test]
    public void Parts_ThatDoNotFitTogether_AreRefused()
    {
        using var conditional = new VaeNetworks(new MlpNetwork(10), Image, Latents, condition: new LabelCondition(Classes));
        using var completing = new VaeNetworks(new MlpNetwork(10), Image, Latents, condition: new MaskCondition(Image));
        using var plain = new VaeNetworks(new MlpNetwork(10), Image, Latents);

        Assert.That(() => new VaeModel(plain, new BernoulliLikelihood(), new BetaElbo(), new ConditionalGaussianPrior()), Throws.ArgumentException.With.Message.StartsWith("The prior 'conditional' is a P(z|x), but the networks have none."));
        Assert.That(() => new VaeModel(conditional, new BernoulliLikelihood(), new BetaElbo(), new VampPrior(3, Image, seed: 1)), Throws.ArgumentException.With.Message.Contains("the encoder is conditional: choose another prior"));
        Assert.That(() => new VaeModel(completing, new OptimalGaussianLikelihood(), new BetaElbo()), Throws.ArgumentException.With.Message.Contains("is that of whole images"));
        Assert.That(() => new VaeNetworks(new MlpNetwork(10), Image, Latents, PosteriorKind.Rounded, new LabelCondition(Classes)), Throws.ArgumentException.With.Message.StartsWith("A conditional VAE has Gaussian latents"));
        Assert.That(() => new VaeNetworks(new MlpNetwork(10), Image, Latents, learnsPrior: true), Throws.ArgumentException.With.Message.StartsWith("A prior P(z|x) needs a condition."));
        Assert.That(() => new LabelCondition([]), Throws.ArgumentException.With.Message.StartsWith("The images have no classes"));
        Assert.That(() => new VectorCondition(0), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.StartsWith("The length of the condition is 0; expected at least 1."));
    }

    // The condition of the batch, and 1 where pixels are hidden.
    private static (Tensor X, Tensor? Unknown) Given(string kind, ProgramRunner runner, Tensor y, int step)
    {
        switch (kind)
        {
            case "label":
                long[] labels = [.. Enumerable.Range(0, BatchSize).Select(n => (long)((n + step) % Classes.Length))];
                labels.CopyTo(runner.Input<long>("labels"));
                return (nn.functional.one_hot(tensor(labels), Classes.Length).to(ScalarType.Float32), null);
            case "vector":
                float[] values = Numbers.StandardNormal(BatchSize * 2, seed: (ulong)step);
                values.CopyTo(runner.Input<float>("condition"));
                return (tensor(values).reshape(BatchSize, 2), null);
            default:
                var hidden = tensor(Holes(runner.Input<float>("holeNoise"), runner.Input<float>("holePixelNoise"))).reshape(BatchSize, 1, Image.Height, Image.Width);
                return (cat([y * (1 - hidden), 1 - hidden], 1), hidden);
        }
    }

    private static float[] Holes(ReadOnlySpan<float> place, ReadOnlySpan<float> pixels)
    {
        var hidden = new float[pixels.Length];
        for (int i = 0; i < hidden.Length; i++)
        {
            int n = i / Image.Dimensions, row = i % Image.Dimensions / Image.Width, column = i % Image.Width;
            var (kind, a, b, c, d) = (place[n * 5], place[(n * 5) + 1], place[(n * 5) + 2], place[(n * 5) + 3], place[(n * 5) + 4]);
            bool isHidden = kind < 1f / 3 ? Covers(row, Image.Height, a, b) && Covers(column, Image.Width, c, d)
                : kind >= 2f / 3 ? pixels[i] < 0.25f + (0.5f * a)
                : a < 0.5f ? (row + 0.5f < Image.Height / 2f) == (b < 0.5f)
                : (column + 0.5f < Image.Width / 2f) == (b < 0.5f);
            hidden[i] = isHidden ? 1 : 0;
        }

        return hidden;

        static bool Covers(int position, int length, float size, float place)
        {
            float extent = MathF.Floor(length * (0.25f + (0.5f * size))) + 1, first = MathF.Floor(place * (length + 1 - extent));
            return position >= first && position < first + extent;
        }
    }

    private static Tensor Loss(VaeNetworks vae, Tensor y, Tensor x, Tensor? unknown, Tensor eps, double beta)
    {
        var children = vae.named_children().ToDictionary(child => child.name, child => (nn.Module<Tensor, Tensor>)child.module);
        var encoded = vae.Encoder.forward(cat([y, children.TryGetValue("plane", out var plane) ? plane.forward(x) : x], 1));
        var given = children.TryGetValue("features", out var features) ? features.forward(x) : x;
        var (mean, logVar) = Halves(encoded);
        var (priorMean, priorLogVar) = children.TryGetValue("prior", out var prior) ? Halves(prior.forward(given)) : (zeros_like(mean), zeros_like(mean));
        var output = vae.Decoder.forward(cat([mean + ((0.5 * logVar).exp() * eps), given], 1));
        var distortion = (((y - output.sigmoid()).square() / (2 * 0.25)) + (0.5 * Math.Log(2 * Math.PI * 0.25))) * (unknown ?? ones_like(y));
        var rate = 0.5 * (((mean - priorMean).square() + logVar.exp()) / priorLogVar.exp() - 1 + priorLogVar - logVar);
        return (distortion.sum([1, 2, 3]) + (beta * rate.sum([1]))).mean();
    }

    private static (Tensor, Tensor) Halves(Tensor x) => (x.narrow(1, 0, Latents), x.narrow(1, Latents, Latents));
}
