using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Models;

/// <summary>Encoders whose log-variances leave the range of Float32: all that follows from them stays finite, and is what its formula gives for the bounded ones.</summary>
internal sealed class BoundedLogVarTests
{
    private static readonly float[] Mean = [0.5f, -2, 0, 1], LogVar = [-1000, 1000, 0.25f, -29], Noise = [1, -1, 2, 0.5f];

    [Test]
    public void Posterior_IsThatOfBoundedLogVariances()
    {
        Value output = Value.Input("output", ElementType.Float32, [1, 8]), noise = Value.Input("noise", ElementType.Float32, [1, 4]);
        var posterior = GaussianPosterior.From(output);
        var rates = new StandardNormalPrior().LatentRates(posterior, posterior.Sample(noise))!;

        float[][] results = GraphRunner.Run([posterior.LogVar, posterior.Sample(noise), posterior.LogDensity(noise), rates], (output, (float[])[.. Mean, .. LogVar]), (noise, Noise));

        double[] bounded = [.. LogVar.Select(value => Math.Clamp((double)value, -30, 20))];
        Assert.That(results[0].Select(value => (double)value), Is.EqualTo(bounded));
        Assert.That(results[1], Is.EqualTo(Mean.Zip(bounded, (mean, logVar) => (mean, logVar)).Zip(Noise, (q, eps) => q.mean + (Math.Exp(0.5 * q.logVar) * eps))).Within(1e-4).Percent);
        Assert.That(results[2][0], Is.EqualTo(Noise.Zip(bounded, (eps, logVar) => -0.5 * ((eps * eps) + logVar + Math.Log(2 * Math.PI))).Sum()).Within(1e-4).Percent);
        Assert.That(results[3], Is.EqualTo(Mean.Zip(bounded, (mean, logVar) => 0.5 * ((mean * mean) + Math.Exp(logVar) - 1 - logVar))).Within(1e-4).Percent);
    }
}
