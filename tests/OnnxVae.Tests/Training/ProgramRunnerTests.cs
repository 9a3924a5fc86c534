using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Tests.Support;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Training;

internal sealed class ProgramRunnerTests
{
    [Test]
    public void Run_TakesDenormalNumbersForZero_AndLeavesThemToTheThread()
    {
        var x = ProgramInput.Data("x", ElementType.Float32, [64]);
        var program = new GraphProgram("squares", [x], [], [], [new Metric("squares", MetricRole.PerRow, x.Value * x.Value)]);
        Denormals.Restore();

        using var runner = new StepRunner(program);
        float[] squares = runner.Run(Enumerable.Repeat(Denormals.RootOfOne, 64).ToArray())["squares"];

        Assert.That(squares, Has.Length.EqualTo(64).And.All.Zero);
        Assert.That(Denormals.Exist, Is.True);
    }
}
