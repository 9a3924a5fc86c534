using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>Priors and posteriors against torch.distributions.</summary>
internal sealed class PriorTests
{
    private const double Tolerance = 1e-5;
    private const int Rows = 5, Latents = 3;

    private static readonly float[] Mean = Numbers.StandardNormal(Rows * Latents, 1);
    private static readonly float[] LogVar = [.. Numbers.StandardNormal(Rows * Latents, 2).Select(x => 0.5f * x)];
    private static readonly float[] Eps = Numbers.StandardNormal(Rows * Latents, 3);
    private static readonly float[] PriorMean = [0.5f, -1, 2];
    private static readonly float[] PriorLogVar = [0.3f, -0.8f, 1];

    private readonly Value mean = Value.Input("mean", ElementType.Float32, [Rows, Latents]);
    private readonly Value logVar = Value.Input("logVar", ElementType.Float32, [Rows, Latents]);
    private readonly Value eps = Value.Input("eps", ElementType.Float32, [Rows, Latents]);

    private GaussianPosterior Posterior => new(mean, logVar);

    private IReadOnlyList<(Value, Array)> Inputs => [(mean, Mean), (logVar, LogVar), (eps, Eps)];

    private static TorchSharp.Modules.Normal TorchPosterior => distributions.Normal(Torch(Mean), (0.5 * Torch(LogVar)).exp());

    private static Tensor TorchSample => Torch(Mean) + ((0.5 * Torch(LogVar)).exp() * Torch(Eps));

    [Test]
    public void GaussianPosterior_LogDensity_EqualsTorch()
    {
        float[] actual = GraphRunner.Run([Posterior.LogDensity(eps)], Inputs)[0];

        Assert.That(Numbers.RelativeError(actual, TorchPosterior.log_prob(TorchSample).sum(1).ToArray()), Is.LessThan(Tolerance));
    }

    [Test]
    public void StandardNormal_RateAndDensity_EqualTorch()
    {
        var prior = new StandardNormalPrior();
        var expected = distributions.Normal(zeros(Latents), ones(Latents));

        float[][] actual = GraphRunner.Run([prior.LatentRates(Posterior, Posterior.Sample(eps)), prior.LogDensity(Posterior.Sample(eps), NoEncoder)], Inputs);

        AssertEqual(actual[0], Divergence(expected));
        AssertEqual(actual[1], expected.log_prob(TorchSample).sum(1));
    }

    [Test]
    public void LearnedGaussian_RateAndDensity_EqualTorch()
    {
        var prior = new LearnedGaussianPrior(Latents);
        var expected = distributions.Normal(Torch(PriorMean, 1), (0.5 * Torch(PriorLogVar, 1)).exp());

        float[][] actual = GraphRunner.Run(
            [prior.LatentRates(Posterior, Posterior.Sample(eps)), prior.LogDensity(Posterior.Sample(eps), NoEncoder)],
            [.. Inputs, (prior.States[0].Current, PriorMean), (prior.States[1].Current, PriorLogVar)]);

        AssertEqual(actual[0], Divergence(expected));
        AssertEqual(actual[1], expected.log_prob(TorchSample).sum(1));
    }

    // The encoder of the test gives mean and log-variance of an image of 1 x 2 x 3 pixels as its two rows.
    [Test]
    public void Vamp_Density_IsMeanOfPosteriors()
    {
        var prior = new VampPrior(count: 4, new ExampleShape(1, 2, 3), seed: 7);
        static GaussianPosterior Encode(Value y) => GaussianPosterior.From(Ops.Reshape(y, [y.Shape[0], 2 * Latents]));
        float[] images = GraphRunner.ToArray(prior.States[0].Initial).Cast<float>().Select(x => Math.Clamp(x, 0, 1)).ToArray();

        float[] actual = GraphRunner.Run([prior.LogDensity(Posterior.Sample(eps), Encode)], [.. Inputs, (prior.States[0].Current, images)])[0];

        var components = images.ToTorch([4, 2, Latents]);
        var each = distributions.Normal(components.select(1, 0), (0.5 * components.select(1, 1)).exp());
        AssertEqual(actual, each.log_prob(TorchSample.unsqueeze(1)).sum(2).logsumexp(1) - Math.Log(4));
    }

    [Test]
    public void FactorizedDensity_OverWholeNumbers_SumsToOneAndEqualsDefinition()
    {
        var density = new FactorizedDensity(Latents);
        float[] weights = Numbers.StandardNormal(Latents * 3, 1), means = [.. Numbers.StandardNormal(Latents * 3, 2).Select(x => 4 * x)], logScales = Numbers.StandardNormal(Latents * 3, 3);
        float[] numbers = [.. Enumerable.Range(-300, 601).SelectMany(number => Enumerable.Repeat((float)number, Latents))];
        var z = Value.Input("z", ElementType.Float32, [601, Latents]);

        float[] probabilities = GraphRunner.Run(
            [Ops.Exp(density.LogProbabilities(z))],
            [(z, numbers), (density.States[0].Current, weights), (density.States[1].Current, means), (density.States[2].Current, logScales)])[0];

        Assert.Multiple(() =>
        {
            for (int l = 0; l < Latents; l++)
            {
                Assert.That(Enumerable.Range(0, 601).Sum(i => (double)probabilities[(i * Latents) + l]), Is.EqualTo(1).Within(1e-5));
                double total = weights[(3 * l)..((3 * l) + 3)].Sum(w => Math.Exp(w));
                foreach (int number in (int[])[-5, 0, 1, 7])
                {
                    double expected = Enumerable.Range(3 * l, 3).Sum(k => Math.Exp(weights[k]) / total
                        * (Logistic((number + 0.5 - means[k]) / Math.Exp(logScales[k])) - Logistic((number - 0.5 - means[k]) / Math.Exp(logScales[k]))));
                    Assert.That(probabilities[((number + 300) * Latents) + l], Is.EqualTo(expected).Within(1e-6));
                }
            }
        });

        static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
    }

    [Test]
    public void RoundedPosterior_SamplesWithinHalf_AndCodesWholeNumbers()
    {
        var posterior = new RoundedPosterior(mean);
        float[] u = [.. Enumerable.Range(0, Rows * Latents).Select(i => i / 15f)];

        float[][] actual = GraphRunner.Run([posterior.Sample(eps), posterior.Code(eps)], [(mean, Mean), (eps, u)]);

        Assert.That(actual[0], Is.EqualTo(Mean.Zip(u, (m, x) => m + x - 0.5f)).Within(1e-6));
        Assert.That(actual[1], Is.EqualTo(Mean.Select(m => MathF.Round(m))));
    }

    [Test]
    public void Compiler_WithPriorOfAnotherPosterior_Throws() => Assert.That(
        () => new TestVae("mlp", "bernoulli", with: options => options with { Prior = new FactorizedDensity(5) }),
        Throws.ArgumentException.With.Message.StartsWith("The prior 'code-density' is for latents of kind Rounded, but the network has Gaussian ones."));

    // KL(posterior || prior), entry by entry, as an integral over the posterior's standardized coordinate t.
    private static Tensor Divergence(TorchSharp.Modules.Normal prior)
    {
        const int cells = 4000;
        const double range = 10;
        var t = (((arange(cells, dtype: ScalarType.Float32) + 0.5) / cells) - 0.5).reshape(cells, 1, 1) * (2 * range);
        var z = Torch(Mean) + ((0.5 * Torch(LogVar)).exp() * t);
        var weight = (-0.5 * t.square()).exp() * (2 * range / cells / Math.Sqrt(2 * Math.PI));
        return (weight * (TorchPosterior.log_prob(z) - prior.log_prob(z))).sum([0]);
    }

    private static GaussianPosterior NoEncoder(Value y) => throw new AssertionException("This prior needs no encoder.");

    private static Tensor Torch(float[] values, int rows = Rows) => values.ToTorch([rows, Latents]);

    private static void AssertEqual(float[] actual, Tensor expected) => Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(Tolerance));
}
