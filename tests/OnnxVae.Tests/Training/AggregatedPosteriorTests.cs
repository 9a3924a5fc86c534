using OnnxVae.Tests.Support;
using OnnxVae.Training.Evaluation;

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

        Assert.That(AggregatedPosterior.MutualInformation(mean, logVar, count, seed: 1).PlugIn, Is.EqualTo(0.5 * Math.Log(1 + (s * s / v))).Within(0.03));
    }
}
