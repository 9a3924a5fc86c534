using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Training;

internal sealed class ProgramRunnerTests
{
    // A user's weight may be called like what a step reports.
    [Test]
    public void Run_OfAWeightNamedLikeAMetric_KeepsThemApart()
    {
        var x = ProgramInput.Data("x", ElementType.Float32, [2]);
        var weight = State.Create("loss", StateRole.Parameter, Tensor.From<float>([2], 3, 5));
        var program = new TrainingStep(Ops.Sum(Ops.Square(x.Value - weight.Current)), [weight], new Sgd(new ConstantSchedule(0.25))) { Inputs = [x] }.ToProgram();

        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu);
        ((float[])[1, 1]).CopyTo(runner.Input<float>("x"));
        runner.FillSchedules(1);
        runner.Run();

        Assert.That(runner.Metric("loss")[0], Is.EqualTo(4 + 16));
        Assert.That(runner.States.Snapshot()["loss"].As<float>().ToArray(), Is.EqualTo((float[])[2, 3]));
    }

    [Test]
    public void InputsThatNothingNeeds_AreReported()
    {
        var (x, label) = (ProgramInput.Data("x", ElementType.Float32, [2]), ProgramInput.Data("label", ElementType.Int64, [2]));
        var program = new GraphProgram("squares", [x, label], [], [], [new Metric("squares", MetricRole.Tensor, x.Value * x.Value)]);

        using var runner = new ProgramRunner(program.Compile(), OnnxDevice.Cpu);

        Assert.That(program.Compile().Unneeded, Is.EqualTo((string[])["label"]));
        Assert.That(() => runner.Input<long>("label"), Throws.ArgumentException.With.Message.StartsWith("The program needs no input 'label'; there are: x."));
        Assert.That(() => runner.Metric("loss"), Throws.ArgumentException.With.Message.StartsWith("The program has no metric 'loss'; there are: squares."));
    }

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
