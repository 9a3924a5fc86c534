using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Models.Exact;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Models.Exact;

internal sealed class GaussianMixtureTests
{
    private static readonly GaussianMixture Truth = new(
        [0.5, 0.3, 0.2],
        [Vector<double>.Build.Dense([0.0, 0]), Vector<double>.Build.Dense([6.0, 1]), Vector<double>.Build.Dense([-3.0, 7])],
        [Factor(1, 0.5, 0.6), Factor(0.5, 0, 1.5), Factor(1.2, -0.9, 0.7)]);

    private static readonly double[][] Points = Draw(6000);

    [Test]
    public void LogDensity_EqualsDefinition()
    {
        double[] z = [1.5, -0.7];
        double expected = Math.Log(Enumerable.Range(0, 3).Sum(k =>
        {
            var covariance = Truth.Factors[k] * Truth.Factors[k].Transpose();
            var difference = Vector<double>.Build.Dense(z) - Truth.Means[k];
            return Truth.Weights[k] * Math.Exp(-0.5 * (difference * covariance.Inverse() * difference)) / (2 * Math.PI * Math.Sqrt(covariance.Determinant()));
        }));

        Assert.That(Truth.LogDensity(z), Is.EqualTo(expected).Within(1e-12));
    }

    [Test]
    public void Fit_OnDrawsOfAMixture_FindsIt()
    {
        List<double> likelihoods = [];

        var fitted = GaussianMixture.Fit(Points, 3, new MixtureOptions { Tolerance = 1e-7 }, likelihoods.Add);

        Assert.Multiple(() =>
        {
            for (int k = 0; k < 3; k++)
            {
                int match = Enumerable.Range(0, 3).MinBy(i => (fitted.Means[i] - Truth.Means[k]).L2Norm());
                Assert.That(fitted.Weights[match], Is.EqualTo(Truth.Weights[k]).Within(0.02));
                Assert.That((fitted.Means[match] - Truth.Means[k]).L2Norm(), Is.Not.NaN.And.LessThan(0.1));
                Assert.That((fitted.Factors[match] - Truth.Factors[k]).L2Norm(), Is.Not.NaN.And.LessThan(0.1));
            }

            Assert.That(likelihoods.Zip(likelihoods.Skip(1)).All(pair => pair.Second >= pair.First - 1e-6), "each step improves, but for the floor");
            Assert.That(likelihoods[^1], Is.GreaterThanOrEqualTo(Points.Average(z => Truth.LogDensity(z)) - 1e-3), "at least as likely as the truth");
        });
    }

    // At a fixed point every mean is the average of all points, weighted by the posterior of its component.
    [Test]
    public void Fit_AtConvergence_HasMeansOfItsShares()
    {
        var fitted = GaussianMixture.Fit(Points[..500], 2, new MixtureOptions { MostSteps = 2000, Tolerance = 0 });
        double Share(double[] z, int k) => Math.Exp(
            Math.Log(fitted.Weights[k]) + new GaussianMixture([1], [fitted.Means[k]], [fitted.Factors[k]]).LogDensity(z) - fitted.LogDensity(z));

        for (int k = 0; k < 2; k++)
        {
            double expected = Points[..500].Sum(z => Share(z, k) * z[0]) / Points[..500].Sum(z => Share(z, k));
            Assert.That(fitted.Means[k][0], Is.EqualTo(expected).Within(1e-4));
        }
    }

    [Test]
    public void Fit_OnEqualPoints_KeepsAFloorOfVariance()
    {
        var fitted = GaussianMixture.Fit([.. Enumerable.Repeat<double[]>([1, 2], 10)], 2, new MixtureOptions { VarianceFloor = 1e-4 });

        Assert.That(fitted.Factors[0][0, 0], Is.EqualTo(1e-2).Within(1e-6));
    }

    [Test]
    public void Fit_WithFewerPointsThanComponents_SaysSo() => Assert.That(
        () => GaussianMixture.Fit([[1, 2], [3, 4]], 3),
        Throws.ArgumentException.With.Message.StartsWith(
            "A mixture of 3 components cannot be fitted to 2 points: there must be at least one component, and as many points as components."));

    // The sampler's graph draws the component whose share of [0, 1) contains u, with its mean and covariance.
    [Test]
    public void Sampler_OfMixture_DrawsEveryComponentWithItsMoments([Values(0, 1, 2)] int component)
    {
        var (mean, covariance) = MomentsOfDraws(PriorSampler.OfMixture(Truth), from: Truth.Weights.Take(component).Sum(), share: Truth.Weights[component]);

        var expected = Truth.Factors[component] * Truth.Factors[component].Transpose();
        Assert.That((mean - Truth.Means[component]).L2Norm(), Is.Not.NaN.And.LessThan(0.03));
        Assert.That((covariance - expected).L2Norm() / expected.L2Norm(), Is.Not.NaN.And.LessThan(0.03));
    }

    [Test]
    public void Sampler_OfComponents_DrawsEachWithItsMoments([Values(0, 1)] int component)
    {
        float[] means = [1, -2, 3, 4], logVars = [0.8f, -1, -0.5f, 1.2f];
        var sampler = PriorSampler.OfComponents(new GaussianPosterior(Value.Of<float>([2, 2], means), Value.Of<float>([2, 2], logVars)));

        var (mean, covariance) = MomentsOfDraws(sampler, from: component * 0.5, share: 0.5);

        for (int l = 0; l < 2; l++)
        {
            double variance = Math.Exp(logVars[(2 * component) + l]);
            Assert.That(mean[l], Is.EqualTo(means[(2 * component) + l]).Within(0.03 * Math.Sqrt(variance)));
            Assert.That(covariance[l, l], Is.EqualTo(variance).Within(3).Percent);
        }
    }

    private static (Vector<double> Mean, Matrix<double> Covariance) MomentsOfDraws(PriorSampler sampler, double from, double share)
    {
        const int count = 20_000;
        var model = GraphCompiler.Build("sampler", sampler.Inputs, [("z", sampler.Z)]);
        float[] u = [.. Enumerable.Range(0, count).Select(i => (float)(from + (share * (i + 0.5) / count)))];
        float[] z = GraphRunner.Run(model, u, Numbers.StandardNormal(count * 2, 4))[0];
        return Moments.Of(z.Chunk(2).Select(row => (double[])[row[0], row[1]]));
    }

    private static Matrix<double> Factor(double a, double b, double c) => Matrix<double>.Build.DenseOfArray(new[,] { { a, 0 }, { b, c } });

    private static double[][] Draw(int count)
    {
        float[] normal = Numbers.StandardNormal(2 * count, 9);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int k = i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : 2;
            return (Truth.Means[k] + (Truth.Factors[k] * Vector<double>.Build.Dense([(double)normal[2 * i], normal[(2 * i) + 1]]))).ToArray();
        })];
    }
}
