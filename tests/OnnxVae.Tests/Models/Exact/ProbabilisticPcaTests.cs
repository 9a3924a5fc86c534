using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Models.Exact;

namespace OnnxVae.Tests.Models.Exact;

/// <summary>Closed forms against the density of a multivariate Gaussian, evaluated directly.</summary>
internal sealed class ProbabilisticPcaTests
{
    private const double Exact = 1e-9;
    private const int Dimensions = 12, Latents = 4;

    private static readonly double[][] Points = Draw(300);
    private static readonly Vector<double> Mean = Moments.Of(Points).Mean;
    private static readonly Matrix<double> Covariance = Moments.Of(Points).Covariance;
    private static readonly double[] Eigenvalues = [.. Covariance.Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real).OrderDescending()];

    [Test]
    public void Moments_EqualDefinition() => Assert.Multiple(() =>
    {
        Assert.That(Mean[3], Is.EqualTo(Points.Average(y => y[3])).Within(1e-12));
        Assert.That(Covariance[2, 5], Is.EqualTo(Points.Average(y => (y[2] - Mean[2]) * (y[5] - Mean[5]))).Within(1e-12));
        Assert.That(
            Moments.Of(Points, [.. Points.Select((_, i) => i < 100 ? 1.0 : 0.0)]).Covariance[1, 1],
            Is.EqualTo(Moments.Of(Points[..100]).Covariance[1, 1]).Within(1e-12));
    });

    [Test]
    public void Fit_HasSigmaOfTheDiscardedEigenvalues() =>
        Assert.That(ProbabilisticPca.Fit(Mean, Covariance, Latents).Variance, Is.EqualTo(Eigenvalues[Latents..].Average()).Within(Exact));

    // 1/2 (d ln 2 pi + sum of ln lambda_i + (d - q) ln sigma^2 + d) is Tipping and Bishop's equation 4 at the maximum.
    [Test]
    public void NegativeLogLikelihood_EqualsDirectEvaluation()
    {
        var model = ProbabilisticPca.Fit(Mean, Covariance, Latents);
        var c = (model.Weights * model.Weights.Transpose()) + (model.Variance * Matrix<double>.Build.DenseIdentity(Dimensions));
        double direct = Points.Average(y => -LogDensity(Vector<double>.Build.Dense(y), model.Mean, c));
        double closed = 0.5 * ((Dimensions * Math.Log(2 * Math.PI)) + Eigenvalues[..Latents].Sum(Math.Log) + ((Dimensions - Latents) * Math.Log(model.Variance)) + Dimensions);

        Assert.That(model.NegativeLogLikelihood(Mean, Covariance), Is.EqualTo(direct).Within(Exact * Math.Abs(direct)));
        Assert.That(closed, Is.EqualTo(direct).Within(Exact * Math.Abs(direct)));
    }

    // Rate and distortion image by image, from the exact posterior's density and its expectations.
    [Test]
    public void ExactPosterior_EqualsDirectEvaluation_AndItsElboIsTheLikelihood()
    {
        var model = ProbabilisticPca.Fit(Mean, Covariance, Latents);
        double rate = 0, distortion = 0;
        foreach (double[] y in Points)
        {
            var (mean, covariance) = model.Posterior(Vector<double>.Build.Dense(y));
            rate += 0.5 * ((mean * mean) + covariance.Trace() - Latents - Math.Log(covariance.Determinant()));
            var residual = Vector<double>.Build.Dense(y) - model.Mean - (model.Weights * mean);
            double squaredError = (residual * residual) + (model.Weights * covariance * model.Weights.Transpose()).Trace();
            distortion += (0.5 * Dimensions * Math.Log(2 * Math.PI * model.Variance)) + (squaredError / (2 * model.Variance));
        }

        var point = model.ExactPosterior(Covariance);
        Assert.Multiple(() =>
        {
            Assert.That(point.Rate, Is.EqualTo(rate / Points.Length).Within(Exact * rate));
            Assert.That(point.Rate, Is.EqualTo(0.5 * Eigenvalues[..Latents].Sum(value => Math.Log(value / model.Variance))).Within(Exact * point.Rate));
            Assert.That(point.Distortion, Is.EqualTo(distortion / Points.Length).Within(Exact * Math.Abs(point.Distortion)));
            Assert.That(point.Distortion, Is.EqualTo(0.5 * Dimensions * Math.Log(2 * Math.PI * Math.E * model.Variance)).Within(Exact * Math.Abs(point.Distortion)));
            Assert.That(point.SquaredError / Dimensions, Is.EqualTo(model.Variance).Within(Exact), "sigma* of the posterior's samples");
            Assert.That(point.NegativeElbo, Is.EqualTo(model.NegativeLogLikelihood(Mean, Covariance)).Within(Exact * Math.Abs(point.NegativeElbo)));
        });
    }

    // ln P(y) = ln P(y, z) - ln P(z|y) for any z.
    [Test]
    public void Posterior_ObeysBayes()
    {
        var model = ProbabilisticPca.Fit(Mean, Covariance, Latents);
        var (y, z) = (Vector<double>.Build.Dense(Points[7]), Vector<double>.Build.Dense([0.3, -1, 0.2, 2]));
        var (mean, covariance) = model.Posterior(y);
        var identity = Matrix<double>.Build.DenseIdentity(Dimensions);
        double joint = LogDensity(z, Vector<double>.Build.Dense(Latents), Matrix<double>.Build.DenseIdentity(Latents))
            + LogDensity(y, model.Mean + (model.Weights * z), model.Variance * identity);

        Assert.That(joint - LogDensity(z, mean, covariance), Is.EqualTo(LogDensity(y, model.Mean, (model.Weights * model.Weights.Transpose()) + (model.Variance * identity))).Within(1e-8));
    }

    [Test]
    public void ExpectationMaximization_ReachesTheClosedForm_AndNeverFalls()
    {
        var closed = ProbabilisticPca.Fit(Mean, Covariance, Latents);
        List<double> likelihoods = [];

        var model = ProbabilisticPca.FitByExpectationMaximization(Mean, Covariance, Latents, steps: 3000, progress: m => likelihoods.Add(m.NegativeLogLikelihood(Mean, Covariance)));

        Assert.That(model.NegativeLogLikelihood(Mean, Covariance), Is.EqualTo(closed.NegativeLogLikelihood(Mean, Covariance)).Within(1e-6));
        Assert.That(model.Variance, Is.EqualTo(closed.Variance).Within(1e-6));
        Assert.That(likelihoods.Zip(likelihoods.Skip(1)).All(pair => pair.Second <= pair.First + 1e-9), "each step improves");
    }

    // With fixed sigma the exact posterior of the model, and reverse water-filling, are the same point at beta 1; beta takes sigma's place.
    [Test]
    public void Linear_AtBetaOne_IsTheModelWithFixedSigma([Values(0.1, 0.5, 2.0)] double variance)
    {
        var point = ProbabilisticPca.Fit(Mean, Covariance, Latents, variance).ExactPosterior(Covariance);

        var linear = ProbabilisticPca.Linear(Eigenvalues, Latents, variance, beta: 1);

        Assert.That(linear.Rate, Is.EqualTo(point.Rate).Within(1e-8));
        Assert.That(linear.Distortion, Is.EqualTo(point.Distortion).Within(1e-8));
        Assert.That(linear.SquaredError, Is.EqualTo(ProbabilisticPca.Linear(Eigenvalues, Latents, variance / 3, beta: 3).SquaredError).Within(1e-8));
    }

    // Along the curve, distortion rises by beta per nat of rate: the curve's slope is what the objective asks for.
    [Test]
    public void Linear_HasSlopeBeta()
    {
        const double variance = 0.4, beta = 1.3, step = 1e-5;
        var (below, above) = (ProbabilisticPca.Linear(Eigenvalues, Latents, variance, beta - step), ProbabilisticPca.Linear(Eigenvalues, Latents, variance, beta + step));

        Assert.That((above.Distortion - below.Distortion) / (below.Rate - above.Rate), Is.EqualTo(beta).Within(1e-5));
    }

    [TestCase(0)]
    [TestCase(12)]
    public void Fit_WithoutOrWithTooManyLatents_SaysHowMany(int latents) => Assert.That(
        () => ProbabilisticPca.Fit(Mean, Covariance, latents),
        Throws.TypeOf<ArgumentOutOfRangeException>().With.Message.StartsWith($"The number of latents is {latents}; for images of 12 values it must be from 1 to 11."));

    private static double LogDensity(Vector<double> x, Vector<double> mean, Matrix<double> covariance) =>
        -0.5 * ((x.Count * Math.Log(2 * Math.PI)) + Math.Log(covariance.Determinant()) + ((x - mean) * covariance.Inverse() * (x - mean)));

    private static double[][] Draw(int count)
    {
        var random = new Random(3);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var weights = Matrix<double>.Build.Dense(Dimensions, Latents, (_, column) => Normal() * (3 - (column / 2.0)));
        return [.. Enumerable.Range(0, count).Select(_ =>
            ((weights * Vector<double>.Build.Dense(Latents, _ => Normal())) + Vector<double>.Build.Dense(Dimensions, i => i + (0.4 * Normal()))).ToArray())];
    }
}
