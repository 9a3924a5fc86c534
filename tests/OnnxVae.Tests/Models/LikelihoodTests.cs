using OnnxVae.Cli.Models;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Tests.Models;

/// <summary>Every likelihood against its definition, in double precision.</summary>
internal sealed class LikelihoodTests
{
    private const double Tolerance = 2e-5; // relative, of sums over 60 pixels in 32-bit arithmetic
    private const int Images = 4, Dimensions = 60;
    private static readonly Shape Batch = [Images, 1, 6, 10];

    private static readonly ModelOptions Options = new() { Sigma = 0.3, Lambda = 2.5 };

    // -ln P(y|o) of one pixel. States have their first values: sigma 1 (ln sigma = -6 + softplus(6)), ln s = -7 + softplus(5).
    private static readonly Dictionary<string, Func<double, double, double>> Definitions = new()
    {
        ["bernoulli"] = (y, o) => -(y * Math.Log(Sigmoid(o))) - ((1 - y) * Math.Log(1 - Sigmoid(o))),
        ["continuous-bernoulli"] = (y, o) => -Math.Log(ContinuousBernoulliConstant(Sigmoid(o))) - (y * Math.Log(Sigmoid(o))) - ((1 - y) * Math.Log(1 - Sigmoid(o))),
        ["gaussian"] = (y, o) => Gaussian(y - Sigmoid(o), 0.3),
        ["gaussian-learned"] = (y, o) => Gaussian(y - Sigmoid(o), Math.Exp(-6 + Softplus(6))),
        ["gaussian-optimal"] = (y, o) => Gaussian(y - Sigmoid(o), 1),
        ["discretized-logistic"] = (y, o) => DiscretizedLogistic((int)Math.Round(y * 255), Sigmoid(o), Math.Exp(-7 + Softplus(5))),
        ["squared-error"] = (y, o) => (2.5 * Math.Pow(y - Sigmoid(o), 2)) + (0.5 * Math.Log(Math.PI / 2.5)),
        ["absolute-error"] = (y, o) => (2.5 * Math.Abs(y - Sigmoid(o))) + Math.Log(2 / 2.5),
    };

    private static IEnumerable<string> Names => Definitions.Keys;

    private static float[] Pixels => [.. Enumerable.Range(0, Images * Dimensions).Select(i => (i * 37 % 256) / 255f)];

    private static float[] Outputs => [.. Numbers.StandardNormal(Images * Dimensions, 5).Select((x, i) => i % 7 == 0 ? 0.01f * x : 2 * x)];

    private static Likelihood Create(string name, PixelMean mean = PixelMean.Sigmoid) => Likelihoods.Create(Options with { Likelihood = name }, mean, scaling: null);

    [Test]
    public void Names_ButDissimilarity_AreAllDefinedHere() =>
        Assert.That(Likelihoods.Names.Except(["dissimilarity"]), Is.EquivalentTo(Definitions.Keys));

    [TestCaseSource(nameof(Names))]
    public void Distortion_EqualsDefinition(string name)
    {
        var likelihood = Create(name);

        float[] actual = Run(likelihood, likelihood.Distortion);

        float[] expected = [.. Enumerable.Range(0, Images).Select(n => (float)Enumerable.Range(n * Dimensions, Dimensions).Sum(i => Definitions[name](Pixels[i], Outputs[i])))];
        Assert.That(Numbers.RelativeError(actual, expected), Is.LessThan(Tolerance));
    }

    [TestCaseSource(nameof(Names))]
    public void Distortion_GradientEqualsFiniteDifference(string name)
    {
        var likelihood = Create(name);
        float[] states = [.. likelihood.States.Select(state => state.Initial.As<float>()[0])];

        var result = GradientCheck.Run(
            x => Ops.Mean(Substitute(likelihood, likelihood.Distortion(Value.Of<float>(Batch, Pixels), x[0]), x.Skip(1))),
            [("output", Tensor.From<float>(Batch, Outputs)), .. states.Select((value, i) => ($"state{i}", Tensor.From<float>([], value)))]);

        Assert.That(result.RelativeError, Is.LessThan(2e-2), result.ToString());
    }

    // A density over [0, 1], or over the 256 levels of a pixel, sums to one.
    [TestCase("continuous-bernoulli", -3.0)]
    [TestCase("continuous-bernoulli", 0.2)]
    [TestCase("discretized-logistic", -1.0)]
    [TestCase("discretized-logistic", 6.0)]
    public void Probability_OfOnePixel_SumsToOne(string name, double output)
    {
        var likelihood = Create(name);
        float[] levels = [.. Enumerable.Range(0, 256).Select(level => level / 255f)];
        var (y, o) = (Value.Input("y", ElementType.Float32, [256, 1, 1, 1]), Value.Input("o", ElementType.Float32, [256, 1, 1, 1]));
        double[] probabilities =
        [
            .. GraphRunner.Run([likelihood.Distortion(y, o)], [(y, levels), (o, Enumerable.Repeat((float)output, 256).ToArray()), .. StatesOf(likelihood)])[0].Select(d => Math.Exp(-d)),
        ];

        // The trapezoidal rule integrates densities.
        double sum = name == "discretized-logistic" ? probabilities.Sum() : (probabilities.Sum() - ((probabilities[0] + probabilities[^1]) / 2)) / 255;
        Assert.That(sum, Is.EqualTo(1).Within(1e-4));
    }

    [Test]
    public void ContinuousBernoulliMean_EqualsIntegral([Values(-4f, -0.6f, -0.1f, 0f, 0.3f, 0.7f, 5f)] float output)
    {
        const int cells = 20_000;
        double l = Sigmoid(output), constant = ContinuousBernoulliConstant(l);
        double expected = Enumerable.Range(0, cells).Select(i => (i + 0.5) / cells).Average(y => y * constant * Math.Pow(l, y) * Math.Pow(1 - l, 1 - y));
        var o = Value.Input("o", ElementType.Float32, [1]);

        float[] actual = GraphRunner.Run([new ContinuousBernoulliLikelihood().Mean(o)], [(o, new[] { output })])[0];

        Assert.That(actual[0], Is.EqualTo(expected).Within(1e-6));
    }

    // Wang et al. 2004, equation 13, window by window.
    [Test]
    public void Dissimilarity_EqualsDefinition()
    {
        const int height = 13, width = 12, window = 11;
        float[] a = [.. Enumerable.Range(0, height * width).Select(i => (i * 37 % 256) / 255f)], b = [.. a.Select((x, i) => Math.Clamp(x + (0.1f * MathF.Sin(i)), 0, 1))];
        double[] weights = [.. Enumerable.Range(0, window).Select(k => Math.Exp(-0.5 * Math.Pow((k - 5) / 1.5, 2)))];
        double total = weights.Sum();
        double Moment(int top, int left, Func<int, double> of) => Enumerable.Range(0, window * window).Sum(k =>
            weights[k / window] * weights[k % window] / (total * total) * of(((top + (k / window)) * width) + left + (k % window)));
        double similarity = Enumerable.Range(0, (height - window + 1) * (width - window + 1)).Average(i =>
        {
            var (top, left) = Math.DivRem(i, width - window + 1);
            double meanA = Moment(top, left, p => a[p]), meanB = Moment(top, left, p => b[p]);
            double varA = Moment(top, left, p => Math.Pow(a[p] - meanA, 2)), varB = Moment(top, left, p => Math.Pow(b[p] - meanB, 2));
            double covariance = Moment(top, left, p => (a[p] - meanA) * (b[p] - meanB));
            return ((2 * meanA * meanB) + 1e-4) * ((2 * covariance) + 9e-4) / (((meanA * meanA) + (meanB * meanB) + 1e-4) * (varA + varB + 9e-4));
        });
        Shape shape = [1, 1, height, width];
        var (x, y) = (Value.Input("x", ElementType.Float32, shape), Value.Input("y", ElementType.Float32, shape));

        float[] actual = GraphRunner.Run([new StructuralDissimilarity(1).Measure(x, y)], [(x, a), (y, b)])[0];

        Assert.That(actual[0], Is.EqualTo(1 - similarity).Within(1e-4));
    }

    // The constant is left out of a likelihood that only a rate-distortion autoencoder has; with it squared errors are Gaussian pixels.
    [Test]
    public void SquaredError_IsGaussianWithVarianceOneOverTwoLambda()
    {
        var (squared, gaussian) = (new SquaredError(12.5), new GaussianLikelihood(0.2));

        Assert.That(Numbers.RelativeError(Run(squared, squared.Distortion), Run(gaussian, gaussian.Distortion)), Is.LessThan(1e-6));
    }

    [TestCase("gaussian")]
    [TestCase("squared-error")]
    [TestCase("absolute-error")]
    public void Likelihood_OfLinearNetwork_TakesTheOutputAsThePixelsMean(string name)
    {
        var likelihood = Create(name, PixelMean.Identity);
        var output = Value.Input("o", ElementType.Float32, [3]);

        float[][] actual = GraphRunner.Run([likelihood.Mean(output), likelihood.Image(output)], [(output, new[] { -0.5f, 0.25f, 1.5f })]);

        Assert.That(actual[0], Is.EqualTo((float[])[-0.5f, 0.25f, 1.5f]));
        Assert.That(actual[1], Is.EqualTo((float[])[0, 0.25f, 1]));
    }

    [TestCase(-20f)]
    [TestCase(-6.5f)]
    public void LearnedSigma_HoweverSmall_StaysAboveItsFloor(float parameter)
    {
        var likelihood = new LearnedGaussianLikelihood();

        float sigma = GraphRunner.Run([likelihood.Sigma], [(likelihood.States[0].Current, new[] { parameter })])[0][0];

        Assert.That(sigma, Is.GreaterThanOrEqualTo(MathF.Exp(-6)).And.LessThan(MathF.Exp(-5)));
    }

    private static float[] Run(Likelihood likelihood, Func<Value, Value, Value> function)
    {
        var (y, o) = (Value.Input("y", ElementType.Float32, Batch), Value.Input("o", ElementType.Float32, Batch));
        return GraphRunner.Run([function(y, o)], [(y, Pixels), (o, Outputs), .. StatesOf(likelihood)])[0];
    }

    private static IEnumerable<(Value, Array)> StatesOf(Likelihood likelihood) => likelihood.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)));

    private static Value Substitute(Likelihood likelihood, Value value, IEnumerable<Value> states)
    {
        var replacements = likelihood.States.Zip(states).ToDictionary(pair => pair.First.Current, pair => pair.Second);
        return GraphRewriter.Substitute([value], leaf => replacements.GetValueOrDefault(leaf, leaf))[0];
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Softplus(double x) => Math.Log(1 + Math.Exp(x));

    private static double Gaussian(double difference, double sigma) => (difference * difference / (2 * sigma * sigma)) + (0.5 * Math.Log(2 * Math.PI * sigma * sigma));

    // Equation 6 of Loaiza-Ganem and Cunningham 2019.
    private static double ContinuousBernoulliConstant(double l) => Math.Abs(l - 0.5) < 1e-7 ? 2 : 2 * Math.Atanh(1 - (2 * l)) / (1 - (2 * l));

    private static double DiscretizedLogistic(int level, double mean, double scale)
    {
        double Cumulative(double x) => 1 / (1 + Math.Exp(-(x - mean) / scale));
        return -Math.Log(
            (level == 255 ? 1 : Cumulative((level + 0.5) / 255)) - (level == 0 ? 0 : Cumulative((level - 0.5) / 255)));
    }
}
