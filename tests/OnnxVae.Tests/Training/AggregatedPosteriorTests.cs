using OnnxVae.Models.Exact;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Evaluation;
using Matrix = MathNet.Numerics.LinearAlgebra.Matrix<double>;
using Vector = MathNet.Numerics.LinearAlgebra.Vector<double>;

namespace OnnxVae.Tests.Training;

internal sealed class AggregatedPosteriorTests
{
    [Test]
    public void MutualInformation_OfSeparatePosteriors_IsLogarithmOfCount()
    {
        const int count = 200;
        float[] mean = [.. Enumerable.Range(0, count).Select(i => 100f * i)], logVar = new float[count];

        Assert.That(AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 1).PlugIn, Is.EqualTo(Math.Log(count)).Within(1e-5));
    }

    [Test]
    public void MutualInformation_OfEqualPosteriors_IsZero()
    {
        float[] mean = new float[400], logVar = new float[400];

        Assert.That(AggregatedPosterior.MutualInformation(mean, logVar, 200, seed: 1).PlugIn, Is.EqualTo(0).Within(1e-5));
    }

    // z = s y + e with y ~ N(0, 1) and Q(z|y) = N(s y, v): z ~ N(0, s^2 + v), so that I = 1/2 ln(1 + s^2 / v).
    [Test]
    public void MutualInformation_OfLinearGaussian_MeetsClosedForm()
    {
        const int count = 4000;
        const float s = 0.8f, v = 0.36f;
        float[] mean = [.. Numbers.StandardNormal(count, 1).Select(y => s * y)];
        float[] logVar = [.. Enumerable.Repeat(MathF.Log(v), count)];

        var estimate = AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 1);

        Assert.That(estimate.PlugIn, Is.EqualTo(0.5 * Math.Log(1 + (s * s / v))).Within(0.03));
        Assert.That(estimate.Upper, Is.EqualTo(0.5 * Math.Log(1 + (s * s / v))).Within(0.03));
    }

    // Data drawn from a pPCA model with its exact posterior: the aggregated posterior is N(0, I), so that the rate is the information,
    // 1/2 sum of ln lambda_i / sigma^2, and the marginal KL is 0.
    [Test]
    public void Estimates_OnDataOfTheModelItself_MeetClosedForms()
    {
        const int count = 6000;
        var (mean, logVar, rate, information) = ExactPosteriors(weights: [1.5, 1, 0.7], sigma: 0.8, count);

        var estimate = AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 2);

        Assert.Multiple(() =>
        {
            Assert.That(rate, Is.EqualTo(information).Within(0.04), "the rate of the sample");
            Assert.That(estimate.PlugIn, Is.EqualTo(information).Within(0.05));
            Assert.That(estimate.Upper, Is.EqualTo(information).Within(0.05));
            Assert.That(estimate.Upper, Is.GreaterThan(estimate.PlugIn));
            Assert.That(rate - estimate.PlugIn, Is.Zero.Within(0.05), "marginal KL");
        });
    }

    // Far more information than ln N: the plug-in estimate ends there, and what it misses looks like marginal KL.
    [Test]
    public void PlugIn_WithMoreInformationThanImages_SaturatesAtTheirLogarithm()
    {
        const int count = 500;
        var (mean, logVar, rate, information) = ExactPosteriors(weights: [30, 30, 30, 30], sigma: 0.1, count);

        var estimate = AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 3);

        Assert.That(information, Is.GreaterThan(3 * Math.Log(count)));
        Assert.That(estimate.PlugIn, Is.EqualTo(Math.Log(count)).Within(1e-3));
        Assert.That(rate - estimate.PlugIn, Is.EqualTo(information - Math.Log(count)).Within(0.05 * information));
    }

    // W with orthogonal columns, so that the exact posterior's covariance is diagonal, as an encoder's is.
    private static (float[] Mean, float[] LogVar, double Rate, double Information) ExactPosteriors(double[] weights, double sigma, int count)
    {
        int latents = weights.Length, dimensions = latents + 2;
        var model = new ProbabilisticPca(Vector.Build.Dense(dimensions), Matrix.Build.Dense(dimensions, latents, (row, column) => row == column ? weights[column] : 0), sigma * sigma);
        float[] z = Numbers.StandardNormal(count * latents, 5), noise = Numbers.StandardNormal(count * dimensions, 6);
        float[] mean = new float[count * latents], logVar = new float[count * latents];
        double rate = 0;
        for (int n = 0; n < count; n++)
        {
            var y = Vector.Build.Dense(dimensions, i => (i < latents ? weights[i] * z[(n * latents) + i] : 0) + (sigma * noise[(n * dimensions) + i]));
            var (posteriorMean, covariance) = model.Posterior(y);
            for (int l = 0; l < latents; l++)
            {
                (mean[(n * latents) + l], logVar[(n * latents) + l]) = ((float)posteriorMean[l], (float)Math.Log(covariance[l, l]));
                rate += 0.5 * ((posteriorMean[l] * posteriorMean[l]) + covariance[l, l] - 1 - Math.Log(covariance[l, l])) / count;
            }
        }

        return (mean, logVar, rate, 0.5 * weights.Sum(weight => Math.Log(1 + (weight * weight / (sigma * sigma)))));
    }
}
