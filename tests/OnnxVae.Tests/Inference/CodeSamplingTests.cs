using OnnxVae.Inference;

namespace OnnxVae.Tests.Inference;

/// <summary>Draws of codes from their logits.</summary>
internal sealed class CodeSamplingTests
{
    private static readonly double[] Probabilities = [0.5, 0.05, 0.3, 0.15];
    private static readonly float[] Logits = [.. Probabilities.Select(p => (float)Math.Log(p) + 7)];

    [TestCase(1, 1, new[] { 0.5, 0.05, 0.3, 0.15 })]
    [TestCase(0.5, 1, new[] { 0.25 / 0.365, 0.0025 / 0.365, 0.09 / 0.365, 0.0225 / 0.365 })]
    [TestCase(1, 0.75, new[] { 0.625, 0, 0.375, 0 })]
    [TestCase(1, 0.5, new[] { 1.0, 0, 0, 0 })]
    public void Draw_OverAllUniformNumbers_HasTheDistribution(double temperature, double topP, double[] expected)
    {
        var sampling = new CodeSampling(Temperature: temperature, TopP: topP);
        const int count = 10_000;
        var counts = new int[4];
        for (int i = 0; i < count; i++)
        {
            counts[sampling.Draw(Logits, (i + 0.5) / count)]++;
        }

        Assert.That(counts.Select(n => (double)n / count), Is.EqualTo(expected).Within(2e-4));
    }
}
