using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Tests;

/// <summary>The README's formulas, as they are printed there; its first example is that of the packages.</summary>
internal sealed class ReadmeTests
{
    [Test]
    public void Formulas_GiveTheElbo()
    {
        var (output, eps, distortion) = (Input("output", [2, 6]), Input("eps", [2, 3]), Input("distortion", [2]));
        var beta = ProgramInput.Scheduled("beta", new ConstantSchedule(4));

        var (mean, logVar) = Split2(output, axis: 1);
        var z = mean + (Exp(0.5f * logVar) * eps);
        var rates = 0.5f * (Square(mean) + Exp(logVar) - 1f - logVar);
        var loss = Mean(distortion + (beta.Value * SumPerRow(rates)));

        float[] data = [1, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0], noise = [1, 2, 3, 4, 5, 6];
        float[][] actual = GraphRunner.Run([z, loss], (output, data), (eps, noise), (distortion, (float[])[10, 20]), (beta.Value, (float[])[4]));
        Assert.That(actual[0], Is.EqualTo((float[])[2, 2, 2, 4, 5, 6]).Within(1e-6));
        Assert.That(actual[1][0], Is.EqualTo(15 + (4 * 0.5)).Within(1e-6)); // KL(N((1, 0, -1), I) || N(0, I)) = 1, and 0

        static Value Input(string name, Shape shape) => Value.Input(name, ElementType.Float32, shape);
    }
}
