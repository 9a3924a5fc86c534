using OnnxVae.Cli.Models;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Models;

/// <summary>Objectives against their formulas, and the equalities between them.</summary>
internal sealed class ObjectiveTests
{
    private const int Rows = 4, Latents = 3;
    private const double Tolerance = 1e-5;

    private static readonly float[] Distortion = [100, 103, 99, 120];
    private static readonly float[] LatentRates = [2, 0.01f, 3, 1, 0.02f, 4, 3, 0.03f, 2, 2, 0, 1];
    private static readonly float[] Rate = [.. LatentRates.Chunk(Latents).Select(row => row.Sum())];
    private static readonly float[] LogWeight = [-110, -108, -111, -107];

    [Test]
    public void BetaElbo_EqualsFormula([Values(0, 0.5, 1, 4)] double beta) =>
        Assert.That(Loss(new BetaElbo(new ConstantSchedule(beta)), ("beta", beta)), Is.EqualTo(Distortion.Average() + (beta * Rate.Average())).Within(Tolerance).Percent);

    [Test]
    public void CapacityElbo_EqualsFormula([Values(2, 30)] double capacity) => Assert.That(
        Loss(new CapacityElbo(gamma: 10, new ConstantSchedule(capacity)), ("capacity", capacity)),
        Is.EqualTo(Distortion.Average() + (10 * Math.Abs(Rate.Average() - capacity))).Within(Tolerance).Percent);

    [Test]
    public void FreeBitsElbo_ChargesOnlyWhatExceedsThem()
    {
        const double free = 0.5, beta = 2;
        double charged = Enumerable.Range(0, Latents).Sum(l => Math.Max(free, LatentRates.Where((_, i) => i % Latents == l).Average()));

        Assert.That(Loss(new FreeBitsElbo(free, new ConstantSchedule(beta)), ("beta", beta)), Is.EqualTo(Distortion.Average() + (beta * charged)).Within(Tolerance).Percent);
    }

    [Test]
    public void FreeBitsElbo_OfRateThatDoesNotFallApart_Throws() => Assert.That(
        () => new FreeBitsElbo(1, new ConstantSchedule(1)).Loss(new ElboTerms(Value.Of<float>([1], 1f), Value.Of<float>([1], 1f), null, Value.Of<float>([1], 1f))),
        Throws.TypeOf<NotSupportedException>());

    // Samples come copy after copy of the batch: rows 0 and 2 are of one image.
    [Test]
    public void ImportanceWeightedBound_EqualsFormula()
    {
        double Bound(int image) => -Math.Log((Math.Exp(LogWeight[image]) + Math.Exp(LogWeight[image + 2])) / 2);

        Assert.That(Loss(new ImportanceWeightedBound(2)), Is.EqualTo((Bound(0) + Bound(1)) / 2).Within(Tolerance).Percent);
    }

    [Test]
    public void CyclicSchedule_RisesInTheFirstHalfOfEachCycle()
    {
        var schedule = new CyclicSchedule(4, Period: 8);

        Assert.That(Enumerable.Range(1, 16).Select(step => schedule.At(step)), Is.EqualTo((double[])[0, 1, 2, 3, 4, 4, 4, 4, 0, 1, 2, 3, 4, 4, 4, 4]));
    }

    [Test]
    public void BetaElbo_WithBetaOne_IsTheElbo()
    {
        using TestVae elbo = new("mlp", "bernoulli", with: options => options with { Objective = new BetaElbo() }), weighted = new("mlp", "bernoulli", beta: 1);

        AssertSameTraining(elbo, weighted);
    }

    // rate + lambda |y - y(z)|^2 with lambda = 1 / (2 sigma^2).
    [Test]
    public void RateDistortion_IsTheGaussianElbo()
    {
        using TestVae gaussian = new("mlp", "gaussian", with: options => options with { Likelihood = new GaussianLikelihood(0.5) });
        using TestVae rateDistortion = new("mlp", "squared-error", with: options => options with { Likelihood = new SquaredError(1 / (2 * 0.5 * 0.5)) });

        AssertSameTraining(gaussian, rateDistortion);
    }

    // E|y - y(z)|^2 / (2 sigma^2) + beta R = beta (R + lambda |y - y(z)|^2) with lambda = 1 / (2 beta sigma^2): descent with a step beta times as
    // large on the one is descent on the other, and a power of two costs no rounding.
    [Test]
    public void BetaElbo_ScalesTheVariance()
    {
        const double beta = 4, variance = 0.25, learningRate = 1.0 / 1024;
        using TestVae weighted = new("mlp", "gaussian", with: options => options with
        {
            Likelihood = new GaussianLikelihood(Math.Sqrt(variance)),
            Objective = new BetaElbo(new ConstantSchedule(beta)),
            Optimizer = new Sgd(new ConstantSchedule(learningRate)),
        });
        using TestVae scaled = new("mlp", "squared-error", with: options => options with
        {
            Likelihood = new SquaredError(1 / (2 * beta * variance)),
            Optimizer = new Sgd(new ConstantSchedule(beta * learningRate)),
        });

        AssertSameTraining(weighted, scaled);
    }

    private static IEnumerable<TestCaseData> Combinations()
    {
        foreach (string likelihood in Likelihoods.Names)
        {
            yield return Case(likelihood, "ELBO", options => options);
        }

        yield return Case("bernoulli", "learned prior", options => options with { Prior = new LearnedGaussianPrior(5) });
        yield return Case("bernoulli", "VampPrior", options => options with { Prior = new VampPrior(7, new ExampleShape(1, 9, 8), seed: 1) });
        yield return Case("bernoulli", "VampPrior, 3 samples", options => options with
        {
            Prior = new VampPrior(7, new ExampleShape(1, 9, 8), seed: 1),
            Objective = new ImportanceWeightedBound(3),
        });
        yield return Case("bernoulli", "3 samples", options => options with { Objective = new ImportanceWeightedBound(3) });
        yield return Case("bernoulli", "free bits", options => options with { Objective = new FreeBitsElbo(0.1, new ConstantSchedule(1)) });
        yield return Case("bernoulli", "capacity", options => options with { Objective = new CapacityElbo(5, new ConstantSchedule(3)) });
        yield return Case("bernoulli", "drawn pixels", options => options with { Pixels = PixelPreparation.Sampled });
        yield return Case("bernoulli", "threshold", options => options with { Pixels = PixelPreparation.Threshold });
        yield return Case("bernoulli", "averaged weights", options => options with { WeightAveraging = 0.9, Prior = new VampPrior(7, new ExampleShape(1, 9, 8), seed: 1) });

        static TestCaseData Case(string likelihood, string name, Func<TestVaeOptions, TestVaeOptions> with) => new TestCaseData(likelihood, with).SetArgDisplayNames(likelihood, name);
    }

    [TestCaseSource(nameof(Combinations))]
    public void Step_OnOneBatch_LearnsIt(string likelihood, Func<TestVaeOptions, TestVaeOptions> with)
    {
        using var test = new TestVae("mlp", likelihood, with: with);

        AssertLearns(test);
    }

    [Test]
    public void Step_WithRoundedLatents_LearnsTheBatch()
    {
        using var test = new TestVae("mlp", "squared-error", posterior: PosteriorKind.Rounded, with: options => options with { Prior = new FactorizedDensity(5) });

        AssertLearns(test);
    }

    [Test]
    public void Step_OfLinearNetwork_LearnsTheBatch([Values("gaussian", "gaussian-learned", "gaussian-optimal")] string likelihood)
    {
        using var test = new TestVae("linear", likelihood);

        AssertLearns(test);
    }

    private static void AssertLearns(TestVae test)
    {
        float first = test.RunStep(1, seed: 1), last = 0;
        for (int step = 2; step <= 150; step++)
        {
            last = test.RunStep(step, seed: 1);
        }

        Assert.That(last, Is.Not.NaN.And.LessThan(first));
    }

    private static void AssertSameTraining(TestVae a, TestVae b)
    {
        for (int step = 1; step <= 20; step++)
        {
            a.RunStep(step);
            b.RunStep(step);
        }

        var (expected, actual) = (a.States.Snapshot(), b.States.Snapshot());
        Assert.Multiple(() =>
        {
            foreach (var (name, _) in a.Vae.named_parameters())
            {
                Assert.That(actual[name].Data.Span.SequenceEqual(expected[name].Data.Span), name);
            }
        });
    }

    private static double Loss(Objective objective, params (string Name, double Value)[] schedules)
    {
        Value Input(string name, long rows, long? columns = null) => Value.Input(name, ElementType.Float32, columns is { } c ? [rows, c] : [rows]);
        var (distortion, rate, latentRates, logWeight) = (Input("distortion", Rows), Input("rate", Rows), Input("latentRates", Rows, Latents), Input("logWeight", Rows));
        var loss = objective.Loss(new ElboTerms(distortion, rate, latentRates, logWeight));
        return GraphRunner.Run(
            [loss],
            [
                (distortion, Distortion), (rate, Rate), (latentRates, LatentRates), (logWeight, LogWeight),
                .. schedules.Zip(objective.Schedules, (schedule, input) => (input.Value, (Array)(float[])[(float)schedule.Value])),
            ])[0][0];
    }
}
