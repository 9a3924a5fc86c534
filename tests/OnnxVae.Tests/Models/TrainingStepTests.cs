using OnnxVae.Tests.Support;
using static TorchSharp.torch;

namespace OnnxVae.Tests.Models;

/// <summary>The compiled step against the same training written with TorchSharp: forward, autograd, torch.optim.Adam.</summary>
internal sealed class TrainingStepTests
{
    private const double GradientTolerance = 1e-5;
    private const double TenStepsTolerance = 1e-4;

    // Adam's first update is the gradient's sign, also where the gradient is nothing but rounding.
    private const double ParameterTolerance = 1e-4;
    private const double LossTolerance = 1e-3; // percent

    // A rectifier's gradient at 0 depends on how its input was rounded, so batches with inputs this near to 0 are drawn again.
    private const float KinkDistance = 1e-5f;
    private const double Beta1 = 0.9, Beta2 = 0.999;

    [Test]
    public void Step_AfterOneAndTenSteps_EqualsTorch(
        [Values("mlp", "conv", "residual")] string network, [Values("bernoulli", "gaussian", "gaussian-optimal")] string likelihood, [Values(1, 4)] double beta)
    {
        using var test = new TestVae(network, likelihood, beta);
        var reference = new TorchTraining(test, likelihood, beta);

        for (int step = 1; step <= 10; step++)
        {
            int seed = reference.SeedAwayFromKinks(step);
            float loss = test.RunStep(step, seed);
            Assert.That(loss, Is.EqualTo(reference.RunStep(seed)).Within(LossTolerance).Percent, $"loss of step {step}");
            if (step is 1 or 10)
            {
                reference.AssertEqual(step == 1 ? GradientTolerance : TenStepsTolerance);
            }
        }
    }

    [Test]
    public void Step_OfSeriesVolumesAndVectors_EqualsTorch(
        [Values("mlp of vectors", "conv of series", "conv of volumes", "residual of series", "residual of volumes")] string network, [Values("bernoulli", "gaussian-optimal")] string likelihood) =>
        Step_AfterOneAndTenSteps_EqualsTorch(network, likelihood, beta: 1);

    private sealed class TorchTraining
    {
        private readonly TestVae test;
        private readonly string likelihood;
        private readonly double beta;
        private readonly optim.Optimizer optimizer;
        private readonly Dictionary<string, Tensor> m = [], v = [];
        private double variance = 1;
        private int averaged;
        private float nearestToKink;

        public TorchTraining(TestVae test, string likelihood, double beta)
        {
            (this.test, this.likelihood, this.beta) = (test, likelihood, beta);
            optimizer = optim.Adam(test.Vae.parameters(), TestVae.LearningRate, Beta1, Beta2, 1e-8);
            foreach (var (name, parameter) in test.Vae.named_parameters())
            {
                (m[name], v[name]) = (zeros_like(parameter), zeros_like(parameter));
            }

            foreach (var rectifier in test.Vae.modules().OfType<TorchSharp.Modules.ReLU>())
            {
                rectifier.register_forward_pre_hook((_, input) =>
                {
                    nearestToKink = Math.Min(nearestToKink, input.abs().min().item<float>());
                    return input;
                });
            }
        }

        public int SeedAwayFromKinks(int step)
        {
            using var _ = no_grad();
            for (int seed = step; ; seed += 1000)
            {
                nearestToKink = float.PositiveInfinity;
                Forward(seed);
                if (nearestToKink > KinkDistance)
                {
                    return seed;
                }
            }
        }

        public float RunStep(int seed)
        {
            var (y, mean, logVar, output) = Forward(seed);
            var rate = -0.5 * (1 + logVar - mean.square() - logVar.exp()).sum([1]);
            var loss = (Distortion(y, output) + (beta * rate)).mean();

            optimizer.zero_grad();
            loss.backward();
            using (no_grad())
            {
                foreach (var (name, parameter) in test.Vae.named_parameters())
                {
                    m[name] = (Beta1 * m[name]) + parameter.grad!;
                    v[name] = (Beta2 * v[name]) + parameter.grad!.square();
                }
            }

            optimizer.step();
            return loss.item<float>();
        }

        // After the first step m is the gradient, so that equal moments are equal gradients.
        public void AssertEqual(double tolerance)
        {
            var states = test.States.Snapshot();
            Assert.Multiple(() =>
            {
                if (states.TryGetValue("likelihood.variance", out var state))
                {
                    Assert.That(state.As<float>()[0], Is.EqualTo(variance).Within(tolerance * variance));
                }

                foreach (var (name, parameter) in test.Vae.named_parameters())
                {
                    AssertClose(name, parameter, ParameterTolerance);
                    AssertClose($"adam.m.{name}", m[name], tolerance);
                    AssertClose($"adam.v.{name}", v[name].sqrt(), tolerance, x => MathF.Sqrt(x));
                }
            });

            void AssertClose(string state, Tensor expected, double within, Func<float, float>? of = null) => Assert.That(
                Numbers.RelativeError([.. states[state].As<float>().ToArray().Select(of ?? (x => x))], expected.ToArray()), Is.LessThan(within), state);
        }

        private (Tensor Y, Tensor Mean, Tensor LogVar, Tensor Output) Forward(int seed)
        {
            var (images, noise) = test.Batch(seed);
            var y = tensor(images.Select(pixel => pixel / 255f).ToArray()).reshape(test.Vae.Shape.Batch(test.BatchSize).ToArray());
            var eps = tensor(noise).reshape(test.BatchSize, test.Vae.Latents);

            var encoded = test.Vae.Encoder.forward(y);
            var (mean, logVar) = (encoded.narrow(1, 0, test.Vae.Latents), encoded.narrow(1, test.Vae.Latents, test.Vae.Latents));
            return (y, mean, logVar, test.Vae.Decoder.forward(mean + ((0.5 * logVar).exp() * eps)));
        }

        private Tensor Distortion(Tensor y, Tensor output)
        {
            int d = test.Vae.Shape.Dimensions;
            switch (likelihood)
            {
                case "bernoulli":
                    return nn.functional.binary_cross_entropy_with_logits(output, y, reduction: nn.Reduction.None).flatten(1).sum([1]);
                case "gaussian":
                    return -distributions.Normal(output.sigmoid(), tensor(0.7f)).log_prob(y).flatten(1).sum([1]);
                default:
                    // The gradient flows through sigma* here, and through the closed form d/2 (ln 2 pi sigma*^2 + 1).
                    var squaredError = (y - output.sigmoid()).square();
                    variance += Math.Max(1.0 / ++averaged, 0.01) * (squaredError.mean().item<float>() - variance);
                    return 0.5 * d * ((2 * Math.PI * squaredError.mean()).log() + 1).expand(test.BatchSize);
            }
        }
    }
}
