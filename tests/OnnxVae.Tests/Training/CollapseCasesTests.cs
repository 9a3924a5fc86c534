using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Tests.Training;

/// <summary>Models of which the rate alone, or the encoder alone, tells the wrong thing.</summary>
internal sealed class CollapseCasesTests : FolderFixture
{
    private static readonly EvaluatorOptions Options = new() { Seed = 1 };

    // Five images fill a batch of six so that the last row would be the first image again.
    [TestCase(100)]
    [TestCase(5)]
    public void Evaluate_OfDecoderThatIgnoresTheLatents_CallsItCollapsed_WhateverTheRate(int count)
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = Scaled(test, "encoder.", 6);
        states["decoder.0.weight"] = Tensor.Zeros(ElementType.Float32, states["decoder.0.weight"].Shape);

        var figures = Evaluator.Evaluate(test.Package, states, new NoiseImages(count), Options);

        Assert.That(figures.Rate, Is.GreaterThan(5));
        Assert.That(figures.ActiveUnits, Is.EqualTo(5));
        Assert.That(figures.DistortionExchanged, Is.EqualTo(figures.Distortion).Within(1e-4));
        Assert.That(figures.ChangedByExchange, Is.Zero);
        Assert.That(figures.PosteriorCollapse!.Degree, Is.EqualTo(CollapseDegree.Collapsed));
        Assert.That(figures.PosteriorCollapse.Text, Does.StartWith("collapsed, the decoder does not use the latents: 5 of 5 latents are active"));
    }

    // One image in a hundred is white, the others are black: there is hardly any information, and the one latent has all of it.
    [Test]
    public void Evaluate_OfRareBitThatIsCodedPerfectly_DoesNotCallItCollapsed()
    {
        using var vae = new VaeNetworks(new MlpNetwork(1), new ExampleShape(1, 9, 8), latents: 1, seed: 1);
        var package = new PackageCompiler(new VaeModel(vae, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = 64, Optimizer = new Adam(new ConstantSchedule(1e-3)) }).Write(Folder["package"]);
        var states = package.ReadInitialStates().ToDictionary();
        states["encoder.1.weight"] = Filled(states, "encoder.1.weight", 1 / 72f); // the brightness, 0 or 1
        states["encoder.1.bias"] = Filled(states, "encoder.1.bias", 0);
        states["encoder.3.weight"] = Tensor.From<float>([2, 1], [3.5f, -1.5f]);
        states["encoder.3.bias"] = Tensor.From<float>([2], [-0.3f, -0.5f]);
        states["decoder.0.weight"] = Filled(states, "decoder.0.weight", 20); // nothing up to z = 2.2, then steeply more
        states["decoder.0.bias"] = Filled(states, "decoder.0.bias", -44);
        states["decoder.2.weight"] = Filled(states, "decoder.2.weight", 2);
        states["decoder.2.bias"] = Filled(states, "decoder.2.bias", -9);

        var figures = Evaluator.Evaluate(package, states, new RarelyWhite(20_000), Options);

        Assert.That(figures.MutualInformation, Is.LessThan(0.1));
        Assert.That(figures.Rate, Is.LessThan(0.3));
        Assert.That(figures.DistortionExchanged, Is.GreaterThan(figures.Distortion!.Value + 1));
        Assert.That(figures.ChangedByExchange, Is.EqualTo(0.02).Within(0.005), "the white ones, and those that get their latents");
        Assert.That(figures.PosteriorCollapse!.Degree, Is.EqualTo(CollapseDegree.None));
    }

    [Test]
    public void Evaluate_OfLatentsInOtherUnits_ReachesTheSameVerdict()
    {
        using var test = new TestVae("mlp", "bernoulli", with: options => options with { Prior = new LearnedGaussianPrior(5) });
        var states = Scaled(test, "encoder.", 3);
        var rescaled = Rescaled(states, 1 / 32f);

        var (figures, others) = (Evaluator.Evaluate(test.Package, states, new NoiseImages(200), Options), Evaluator.Evaluate(test.Package, rescaled, new NoiseImages(200), Options));

        Assert.That(figures.ActiveUnits, Is.GreaterThan(0));
        Assert.That(others.NegativeElbo, Is.EqualTo(figures.NegativeElbo).Within(1e-3));
        Assert.That(others.ActiveUnits, Is.EqualTo(figures.ActiveUnits));
        Assert.That(others.PosteriorCollapse!.Text, Is.EqualTo(figures.PosteriorCollapse!.Text));
    }

    // Components 4 apart: the prior's variance is 1 + 4, and latents that vary by 0.02 are none that are in use.
    [Test]
    public void Evaluate_UnderAMixture_MeasuresActivityByItsMoments()
    {
        using var test = new TestVae("linear", "gaussian", with: options => options with { Prior = new VampPrior(2, new ExampleShape(1, 9, 8), seed: 1) });
        var states = test.States.Snapshot().ToDictionary();
        float[] pseudoImages = [.. Enumerable.Repeat(0f, 72), .. Enumerable.Repeat(1f, 72)];
        states["prior.pseudoImages"] = Tensor.From<float>([2, 1, 9, 8], pseudoImages);
        string weight = states.Keys.Single(name => name.StartsWith("encoder", StringComparison.Ordinal) && states[name].Shape == Shape.Create([5, 72]));
        states[weight] = Filled(states, weight, 4f / 72);

        var figures = Evaluator.Evaluate(test.Package, states, new NoiseImages(300), Options);

        // The mean of 72 uniform pixels has a variance of 1 / 864, that of the latents is 16 / 864 = 0.0185: above 0.01, but not 0.01 times 5.
        Assert.That(figures.ActiveUnits, Is.Zero);
    }

    [Test]
    public void Evaluate_OfOneImage_HasNoExchange()
    {
        using var test = new TestVae("mlp", "bernoulli");

        var figures = Evaluator.Evaluate(test.Package, test.States.Snapshot(), new NoiseImages(1), Options);

        Assert.That(figures.DistortionExchanged, Is.Null);
        Assert.That(figures.PosteriorCollapse!.Degree, Is.EqualTo(CollapseDegree.Unknown));
    }

    // Batches of six: 13 images leave one for the last batch, which is filled up with others.
    [TestCase(2)]
    [TestCase(5)]
    [TestCase(13)]
    public void Evaluate_OfAnyNumberOfImages_NeverExchangesAnImageWithItself(int count)
    {
        using var test = new TestVae("linear", "gaussian");

        var figures = Evaluator.Evaluate(test.Package, Scaled(test, "", 8), new NoiseImages(count), Options);

        Assert.That(figures.ChangedByExchange, Is.EqualTo(1));
    }

    // Q(z|y) = N(s y, v) with y ~ N(0, I): Q(z) = N(0, (s^2 + v) I), whose KL to N(0, I) is known.
    [Test]
    public void FittedMarginalKl_OfGaussianData_MeetsTheClosedForm_WhereTheBoundsAreFarApart()
    {
        const int count = 4000, latents = 6;
        const float s = 0.9f, v = 0.002f;
        float[] mean = [.. Numbers.StandardNormal(count * latents, 1).Select(y => s * y)], logVar = [.. Enumerable.Repeat(MathF.Log(v), count * latents)];
        double[] rates = [.. mean.Chunk(latents).Select(row => row.Sum(m => 0.5 * ((m * m) + v - 1 - Math.Log(v))))];
        double variance = (s * s) + v, truth = latents * 0.5 * (variance - 1 - Math.Log(variance));

        double fitted = AggregatedPosterior.FittedMarginalKl(mean, logVar, rates, seed: 1, (points, others) => GaussianMixture.Fit(points, 2).MeanLogDensity(others))!.Value;
        var information = AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 1);

        Assert.That(truth, Is.EqualTo(0.06).Within(0.01));
        Assert.That(fitted, Is.EqualTo(truth).Within(0.1), "from 2,000 draws of 6 latents");
        Assert.That(rates.Average() - information.PlugIn, Is.GreaterThan(5), "the upper estimate, where there is more information than ln N");
        Assert.That(rates.Average() - information.Upper, Is.LessThan(truth + 0.1));
    }

    [Test]
    public void Evaluate_GivesBothSidesOfTheMarginalKl()
    {
        using var test = new TestVae("mlp", "bernoulli");
        var states = Scaled(test, "encoder.", 4);
        var options = Options with { FitDensity = (points, others) => GaussianMixture.Fit(points, 1).MeanLogDensity(others) };

        EvaluationFigures without = Evaluator.Evaluate(test.Package, states, new NoiseImages(400), Options), with = Evaluator.Evaluate(test.Package, states, new NoiseImages(400), options);

        Assert.That(with.MarginalKlLower, Is.GreaterThanOrEqualTo(without.MarginalKlLower!).And.LessThan(with.MarginalKlUpper!));
        Assert.That(with.MarginalKlUpper, Is.EqualTo(with.Rate - with.MutualInformation).Within(1e-3));
        Assert.That(with.ToJson().Select(entry => entry.Key), Does.Contain("marginalKlLower").And.Contain("marginalKlUpper").And.Not.Contain("marginalKl"));
    }

    private static Dictionary<string, Tensor> Scaled(TestVae test, string prefix, float factor) => test.States.Snapshot().ToDictionary(
        state => state.Key,
        state => state.Key.StartsWith(prefix, StringComparison.Ordinal) && state.Value.Shape.Rank == 2 && !state.Key.StartsWith("prior", StringComparison.Ordinal) ? Times(state.Value, factor) : state.Value);

    // Latents, encoder and prior in units that are a factor smaller; the decoder's first layer takes the factor back.
    private static Dictionary<string, Tensor> Rescaled(Dictionary<string, Tensor> states, float factor)
    {
        var rescaled = new Dictionary<string, Tensor>(states);
        int latents = (int)states["prior.mean"].Shape[0];
        float[] weight = states["encoder.5.weight"].As<float>().ToArray(), bias = states["encoder.5.bias"].As<float>().ToArray();
        for (int i = 0; i < weight.Length / 2; i++)
        {
            weight[i] *= factor;
        }

        for (int l = 0; l < latents; l++)
        {
            bias[l] *= factor;
            bias[latents + l] += 2 * MathF.Log(factor);
        }

        rescaled["encoder.5.weight"] = Tensor.From<float>(states["encoder.5.weight"].Shape, weight);
        rescaled["encoder.5.bias"] = Tensor.From<float>(states["encoder.5.bias"].Shape, bias);
        rescaled["decoder.0.weight"] = Times(states["decoder.0.weight"], 1 / factor);
        rescaled["prior.mean"] = Times(states["prior.mean"], factor);
        rescaled["prior.logVar"] = Tensor.From<float>([latents], [.. states["prior.logVar"].As<float>().ToArray().Select(value => value + (2 * MathF.Log(factor)))]);
        return rescaled;
    }

    private static Tensor Times(Tensor tensor, float factor) => Tensor.From<float>(tensor.Shape, [.. tensor.As<float>().ToArray().Select(value => factor * value)]);

    private static Tensor Filled(Dictionary<string, Tensor> states, string name, float value) =>
        Tensor.From<float>(states[name].Shape, [.. Enumerable.Repeat(value, (int)states[name].Shape.ElementCount)]);

    private class NoiseImages(long count) : ImageSource
    {
        public override long Count => count;

        public override ExampleShape Shape { get; } = new(1, 9, 8);

        public override void Read(long index, Span<byte> pixels) => new Random((int)index).NextBytes(pixels);
    }

    private sealed class RarelyWhite(long count) : NoiseImages(count)
    {
        public override void Read(long index, Span<byte> pixels) => pixels.Fill(index % 100 == 37 ? byte.MaxValue : (byte)0);
    }
}
