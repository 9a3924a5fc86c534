using System.Runtime.InteropServices;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Tests.Support;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Training;

internal sealed class ProgramRunnerTests
{
    // ONNX Runtime does it by itself on the first thread that makes a session, but not on the second.
    [Test]
    public void Run_OnAnyThread_TakesDenormalNumbersForZero_AndLeavesThemToTheThread()
    {
        Assume.That(RuntimeInformation.ProcessArchitecture, Is.EqualTo(Architecture.X64), "others have no such mode");
        var x = ProgramInput.Data("x", ElementType.Float32, [64]);
        var program = new GraphProgram("squares", [x], [], [], [new Metric("squares", MetricRole.PerRow, x.Value * x.Value)]);
        float small = 1e-21f; // whose square, 1e-42, is denormal
        var (squares, ofThread) = (Array.Empty<float>(), 0f);

        for (int i = 0; i < 2; i++)
        {
            var thread = new Thread(() =>
            {
                using var runner = new StepRunner(program);
                squares = runner.Run(Enumerable.Repeat(small, 64).ToArray())["squares"];
                ofThread = small * small;
            });
            thread.Start();
            thread.Join();
        }

        Assert.That(squares, Has.Length.EqualTo(64).And.All.Zero);
        Assert.That(ofThread, Is.GreaterThan(0));
    }
}
