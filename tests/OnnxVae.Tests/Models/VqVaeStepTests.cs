using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>The compiled step of autoencoders with codes against the same training written with TorchSharp.</summary>
internal sealed class VqVaeStepTests
{
    private const double Tolerance = 1e-4;
    private const double LearningRate = 1e-6, Momentum = 0.9;
    private const double Sigma = 0.3, Commitment = 0.25, Decay = 0.99;
    private const int BatchSize = 6, Codes = 16, Dimension = 6;

    [Test]
    public void Steps_EqualTorch([Values] bool hasTop, [Values("moving-average", "gradient", "finite-scalar")] string quantizer)
    {
        random.manual_seed(3);
        using var vae = new VqVaeNetworks(
            new QuantizedNetwork { Channels = 12, ResidualChannels = 8 }, new ExampleShape(3, 16, 24), quantizer == "finite-scalar" ? 3 : Dimension, hasTop);
        Quantizer Quantizer(string level) => quantizer switch
        {
            "moving-average" => new MovingAverageCodebook(level, Codes, Dimension, Commitment, Decay),
            "gradient" => new TrainedCodebook(level, Codes, Dimension, Commitment, Decay),
            _ => new FiniteScalarQuantizer(4, 3, 5),
        };
        var (bottom, top) = (Quantizer("bottom"), hasTop ? Quantizer("top") : null);
        var program = Compiler(new VqVaeModel(vae, new GaussianLikelihood(Sigma), bottom, top), BatchSize).Step();
        var reference = new TorchTraining(vae, [top, bottom]);
        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu, threads: 2);

        for (int step = 1; step <= 3; step++)
        {
            var images = new byte[BatchSize * vae.Image.Dimensions];
            new Random(step).NextBytes(images);
            images.CopyTo(runner.Input<byte>("images"));
            runner.FillNoise(7, step);
            runner.FillSchedules(step);
            float loss = reference.RunStep(images, level => runner.Input<float>($"replacements.{level}").ToArray());

            runner.Run();

            Assert.That(runner.Metric("loss")[0], Is.EqualTo(loss).Within(0.01).Percent, $"loss of step {step}");
            reference.AssertEqual(runner.States.Snapshot().ToDictionary(state => state.Key, state => state.Value.As<float>().ToArray()), step);
        }
    }

    [Test]
    public void Evaluation_OfSingleImages_HasNothingToExchange([Values(1, 2)] int batchSize)
    {
        using var vae = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4 }, new ExampleShape(1, 8, 8), Dimension, hasTop: true);
        Quantizer Quantizer(string level) => new MovingAverageCodebook(level, Codes, Dimension, Commitment, Decay);
        var model = new VqVaeModel(vae, new GaussianLikelihood(Sigma), Quantizer("bottom"), Quantizer("top"));

        var metrics = Compiler(model, batchSize).Evaluate().Metrics.Select(metric => metric.Name).ToArray();

        Assert.That(metrics, Has.Member("meanSquaredError"));
        Assert.That(metrics.Contains("meanSquaredErrorTopExchanged"), Is.EqualTo(batchSize > 1));
    }

    private static PackageCompiler Compiler(VqVaeModel model, int batchSize) => new(model, new TrainingOptions { BatchSize = batchSize, Optimizer = new Sgd(new ConstantSchedule(LearningRate), Momentum) });

    private sealed class TorchTraining
    {
        private readonly VqVaeNetworks vae;
        private readonly Dictionary<string, Level> levels = [];
        private readonly optim.Optimizer optimizer;

        public TorchTraining(VqVaeNetworks vae, IEnumerable<Quantizer?> quantizers)
        {
            this.vae = vae;
            foreach (var (name, quantizer) in ((string[])["top", "bottom"]).Zip(quantizers))
            {
                if (quantizer is not null)
                {
                    levels[name] = new Level(quantizer, name);
                }
            }

            optimizer = optim.SGD([.. vae.parameters(), .. levels.Values.Select(level => level.Trained).OfType<TorchSharp.Modules.Parameter>()], LearningRate, Momentum);
        }

        public float RunStep(byte[] images, Func<string, float[]> replacements)
        {
            var y = tensor(images.Select(pixel => pixel / 255f).ToArray()).reshape(BatchSize, vae.Image.Channels, vae.Image.Height, vae.Image.Width);
            var features = vae.EncoderBottom.forward(y);
            var losses = new List<Tensor>();
            Tensor output;
            if (vae.Top is { } network)
            {
                var top = levels["top"].Quantize(network.Vectors.forward(network.Encoder.forward(features)), losses, replacements);
                var bottom = levels["bottom"].Quantize(vae.VectorsBottom.forward(cat([network.Decoder.forward(top), features], 1)), losses, replacements);
                output = vae.Decoder.forward(cat([network.Upsampling.forward(top), bottom], 1));
            }
            else
            {
                output = vae.Decoder.forward(levels["bottom"].Quantize(vae.VectorsBottom.forward(features), losses, replacements));
            }

            var distortion = -distributions.Normal(output.sigmoid(), tensor((float)Sigma)).log_prob(y).sum([1, 2, 3]).mean();
            var loss = distortion + (0.5 * vae.Image.Dimensions * losses.Aggregate((a, b) => a + b));
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            foreach (var level in levels.Values)
            {
                level.Update();
            }

            return loss.item<float>();
        }

        // After the first step, the momentum is the gradient.
        public void AssertEqual(Dictionary<string, float[]> states, int step)
        {
            Assert.Multiple(() =>
            {
                foreach (var (name, parameter) in vae.named_parameters())
                {
                    Assert.That(Numbers.RelativeError(states[name], parameter.ToArray()), Is.LessThan(Tolerance), name);
                    if (step == 1)
                    {
                        Assert.That(Numbers.RelativeError(states[$"sgd.b.{name}"], parameter.grad!.ToArray()), Is.LessThan(Tolerance), $"gradient of {name}");
                    }
                }

                foreach (var level in levels.Values.Where(level => step == 1 && level.Trained is not null))
                {
                    var (name, vectors) = level.States.First();
                    Assert.That(Numbers.RelativeError(states[$"sgd.b.{name}"], vectors.grad!.ToArray()), Is.LessThan(Tolerance), $"gradient of {name}");
                }

                foreach (var (name, expected) in levels.Values.SelectMany(level => level.States))
                {
                    Assert.That(Numbers.RelativeError(states[name], expected.ToArray()), Is.LessThan(Tolerance), $"{name} after step {step}");
                }
            });
        }
    }

    private sealed class Level(Quantizer quantizer, string name)
    {
        private readonly Tensor counts = zeros(quantizer.Codes), sums = zeros(quantizer.Codes, quantizer.Dimension);
        private Tensor vectors = quantizer is Codebook codebook ? tensor(codebook.Vectors.Initial.As<float>().ToArray()).reshape(quantizer.Codes, quantizer.Dimension) : zeros(1);
        private (Tensor Rows, Tensor Codes, float[] Replacements) last;

        public TorchSharp.Modules.Parameter? Trained { get; } = quantizer is TrainedCodebook trained
            ? new TorchSharp.Modules.Parameter(tensor(trained.Vectors.Initial.As<float>().ToArray()).reshape(trained.Codes, trained.Dimension)) : null;

        public IEnumerable<(string Name, Tensor Value)> States => quantizer switch
        {
            TrainedCodebook => [($"codebook.{name}", Trained!), ($"codebook.{name}.counts", counts)],
            MovingAverageCodebook => [($"codebook.{name}", vectors), ($"codebook.{name}.counts", counts), ($"codebook.{name}.sums", sums)],
            _ => [],
        };

        public Tensor Quantize(Tensor z, List<Tensor> losses, Func<string, float[]> replacements)
        {
            var rows = z.permute(0, 2, 3, 1).reshape(-1, quantizer.Dimension);
            Tensor Image(Tensor of) => of.reshape(z.shape[0], z.shape[2], z.shape[3], -1).permute(0, 3, 1, 2);
            if (quantizer is FiniteScalarQuantizer)
            {
                var (levels, even) = (tensor(new float[] { 4, 3, 5 }), tensor(new float[] { 1, 0, 0 }));
                var half = (levels - 1) * 1.001f / 2;
                var bounded = ((rows + (even / 2 / half).atanh()).tanh() * half) - (even / 2);
                losses.Add(zeros(1).sum());
                return Image((bounded + (bounded.round() - bounded).detach()) / (levels / 2).floor());
            }

            var e = Trained ?? vectors;
            var codes = (rows.unsqueeze(1) - e).square().sum([2]).argmin(1);
            var chosen = e.index_select(0, codes);
            losses.Add((Commitment * (rows - chosen.detach()).square().mean()) + (Trained is null ? zeros(1).sum() : (chosen - rows.detach()).square().mean()));
            last = (rows.detach(), codes, replacements(name));
            return Image(rows + (chosen - rows).detach());
        }

        public void Update()
        {
            if (quantizer is not Codebook)
            {
                return;
            }

            using var _ = no_grad();
            var chosen = nn.functional.one_hot(last.Codes, quantizer.Codes).to(ScalarType.Float32);
            counts.mul_(Decay).add_(chosen.sum([0]) * (1 - Decay));
            sums.mul_(Decay).add_(chosen.t().mm(last.Rows) * (1 - Decay));
            double fairShare = (double)last.Rows.shape[0] / quantizer.Codes;
            for (int k = 0; k < quantizer.Codes; k++)
            {
                if (counts[k].item<float>() < Codebook.DeadShare * fairShare)
                {
                    var replacement = last.Rows[(long)((k + last.Replacements[k]) * fairShare)];
                    counts[k] = tensor((float)fairShare);
                    sums[k] = replacement * fairShare;
                    Trained?.select(0, k).copy_(replacement);
                }
            }

            var total = counts.sum();
            vectors = Trained ?? (sums / ((counts + 1e-5) / (total + (quantizer.Codes * 1e-5)) * total).unsqueeze(1));
        }
    }
}
