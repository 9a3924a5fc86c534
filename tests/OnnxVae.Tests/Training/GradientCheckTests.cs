using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Tests.Training;

internal sealed class GradientCheckTests
{
    private static (string, Tensor) Input(string name, Shape shape, ulong seed) =>
        (name, Tensor.From<float>(shape, Numbers.StandardNormal(shape.ElementCount, seed)));

    [Test]
    public void Run_OnRightGradients_FindsNoError()
    {
        var result = GradientCheck.Run(
            x => Mean(Square(Tanh(Gemm(x[0], x[1])) - x[2])), Input("x", [4, 3], 1), Input("weight", [3, 5], 2), Input("target", [4, 5], 3));

        Assert.That(result.RelativeError, Is.LessThan(1e-2), result.ToString());
    }

    [TestCase(100)]
    [TestCase(10_000)]
    [TestCase(1_000_000)]
    public void Run_OnHalfTheGradient_ShowsTheFactor(int count)
    {
        var result = GradientCheck.Run(x => Mean(Square(0.5f * x[0]) + (x[0] * StopGradient(0.25f * x[0]))), Input("x", [count], 1));

        Assert.That(result.RelativeError, Is.GreaterThan(0.3), result.ToString());
    }

    [Test]
    public void Run_OnWrongGradient_NamesTheEntry()
    {
        // The gradient of the entry [1, 2] is cut off.
        float[] mask = [0, 0, 0, 0, 0, 1];

        var result = GradientCheck.Run(
            x => Sum(Exp(x[0])) + Sum(3f * StopGradient(x[1] * Value.Of<float>([2, 3], mask))), Input("right", [4], 1), Input("wrong", [2, 3], 2));

        Assert.That(result.Entry, Is.EqualTo("wrong[1, 2]"));
        Assert.That(result.Gradient, Is.Zero);
        Assert.That(result.Difference, Is.EqualTo(3).Within(1e-2));
        Assert.That(result.RelativeError, Is.GreaterThan(1));
    }

    [Test]
    public void Run_WithIndices_LeavesThemAlone()
    {
        var result = GradientCheck.Run(
            x => Sum(Square(Gather(x[0], 0, x[1]))), Input("table", [5, 2], 1), ("indices", Tensor.From<long>([3], 4, 0, 4)));

        Assert.That(result.RelativeError, Is.LessThan(1e-2), result.ToString());
    }

    [Test]
    public void Run_WithoutFloats_Throws() => Assert.That(
        () => GradientCheck.Run(x => Cast(x[0], ElementType.Float32), ("labels", Tensor.From<long>([], 4))),
        Throws.ArgumentException.With.Message.StartsWith("None of the inputs 'labels' is Float32; only such have gradients."));
}
