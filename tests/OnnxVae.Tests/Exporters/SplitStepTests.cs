using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using TorchSharp;
using static TorchSharp.torch.nn;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Exporters;

/// <summary>A step in two programs, on a batch in parts, against the same in one on the whole batch.</summary>
internal sealed class SplitStepTests
{
    private const int Rows = 12, Steps = 6;
    private const double Tolerance = 1e-5;

    [Test]
    public void Parts_TakeTheStepOfTheWholeBatch([Values(1, 2, 4)] int parts)
    {
        using var whole = new Whole(Step(Rows).ToProgram());
        using var split = new Parts(Step(Rows / parts).ToSplit(), parts);

        for (int step = 1; step <= Steps; step++)
        {
            float loss = whole.Run(step, X(step)), ofParts = split.Run(step, X(step));
            Assert.That(ofParts, Is.EqualTo(loss).Within(Tolerance * loss));
        }

        foreach (var (name, state) in whole.States)
        {
            Assert.That(Numbers.RelativeError(split.States[name], state), Is.LessThan(Tolerance), name);
        }
    }

    [Test]
    public void Gradients_ChangeNoState_AndApplyTakesNoBatch()
    {
        var step = Step(Rows).ToSplit();

        Assert.That(step.Gradients.Updates, Is.Empty);
        Assert.That(step.Apply.Compile().Spec.Inputs.Select(input => input.Role).Distinct(), Is.EquivalentTo((InputRole[])[InputRole.Contribution, InputRole.Schedule]));
        Assert.That(
            step.Gradients.Metrics.Where(metric => metric.Role == MetricRole.SumOverParts).Select(metric => metric.Value.Shape.ElementCount), Is.EqualTo((long[])[5]), "the sum of the inputs");
    }

    [Test]
    public void Update_OfWholeNumbers_ThatDependsOnTheBatch_IsRefused()
    {
        var x = ProgramInput.Data("x", ElementType.Float32, [4, 2]);
        var weight = State.Create("w", StateRole.Parameter, Tensor.From<float>([2], 1, 2));
        var count = State.Create("count", StateRole.Statistic, Tensor.From<long>(Shape.Scalar, 0));
        var step = new TrainingStep(Ops.Mean(x.Value * weight.Current), [weight, count], new Sgd(new ConstantSchedule(1)))
        {
            Inputs = [x],
            Updates = [new(count, Ops.Cast(Ops.Sum(x.Value), ElementType.Int64))],
        };

        Assert.That(() => step.ToSplit(), Throws.ArgumentException.With.Message.EqualTo("The update of 'count' depends on the batch and is Int64: parts of a batch can only average Float32."));
    }

    // A network with running statistics in evaluation only, a statistic that is a sum and one that is a mean, clipping and averages.
    private static TrainingStep Step(int rows)
    {
        torch.random.manual_seed(3);
        using var network = Sequential(Linear(5, 8), Tanh(), Linear(8, 2));
        var lowering = new ModuleLowering(network);
        var x = ProgramInput.Data("x", ElementType.Float32, [rows, 5]);
        var loss = Ops.Mean(Ops.Square(lowering.Lower(network, x.Value) - 0.5f));
        var sum = State.Create("sum", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [5]));
        var average = State.Create("average", StateRole.Statistic, Tensor.Zeros(ElementType.Float32, [5]));
        return new TrainingStep(loss, [.. lowering.States, sum, average], new Adam(new ConstantSchedule(0.01)))
        {
            Inputs = [x],
            Updates =
            [
                new(sum, (0.9f * sum.Current) + Ops.SumOverParts(Ops.ReduceSum(x.Value, [0]))),
                new(average, (0.9f * average.Current) + (0.1f * Ops.ReduceMean(x.Value, [0]))),
            ],
            MaxGradientNorm = 0.1,
            Averaging = new WeightAveraging(lowering.Parameters, 0.9),
        };
    }

    private static float[] X(int step) => Numbers.StandardNormal(Rows * 5, (ulong)step);

    private sealed class Whole(GraphProgram program) : IDisposable
    {
        private readonly ProgramRunner runner = new(program.Compile(), OnnxDevice.Cpu, threads: 1);

        public Dictionary<string, float[]> States => runner.States.Snapshot().ToDictionary(state => state.Key, state => state.Value.As<float>().ToArray());

        public float Run(int step, float[] x)
        {
            x.CopyTo(runner.Input<float>("x"));
            runner.FillSchedules(step);
            runner.Run();
            return runner.Metric("loss")[0];
        }

        public void Dispose() => runner.Dispose();
    }

    private sealed class Parts(SplitStep step, int count) : IDisposable
    {
        private readonly ProgramRunner gradients = new(step.Gradients.Compile(), OnnxDevice.Cpu, threads: 1), apply = new(step.Apply.Compile(), OnnxDevice.Cpu, threads: 1);

        public Dictionary<string, float[]> States => apply.States.Snapshot().ToDictionary(state => state.Key, state => state.Value.As<float>().ToArray());

        public float Run(int number, float[] x)
        {
            var contributions = step.Gradients.Metrics.Where(metric => metric.Role is MetricRole.MeanOverParts or MetricRole.SumOverParts).ToArray();
            var totals = contributions.ToDictionary(metric => metric.Name, metric => new float[metric.Value.Shape.ElementCount]);
            float loss = 0;
            for (int part = 0; part < count; part++)
            {
                x.AsSpan(part * x.Length / count, x.Length / count).CopyTo(gradients.Input<float>("x"));
                gradients.FillSchedules(number);
                gradients.Run();
                loss += gradients.Metric("loss")[0] / count;
                foreach (var metric in contributions)
                {
                    float weight = metric.Role == MetricRole.MeanOverParts ? 1f / count : 1;
                    totals[metric.Name] = [.. totals[metric.Name].Zip(gradients.Metric(metric.Name).ToArray(), (total, value) => total + (weight * value))];
                }
            }

            foreach (var (name, total) in totals)
            {
                total.CopyTo(apply.Input<float>(name));
            }

            apply.FillSchedules(number);
            apply.Run();
            var updated = apply.States.Snapshot();
            gradients.States.Load(gradients.States.Snapshot().ToDictionary(state => state.Key, state => updated.GetValueOrDefault(state.Key) ?? state.Value));
            return loss;
        }

        public void Dispose()
        {
            gradients.Dispose();
            apply.Dispose();
        }
    }
}
