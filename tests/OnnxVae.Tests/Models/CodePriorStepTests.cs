using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.CodePriors;
using OnnxVae.Training.Runtime;
using TorchSharp;

namespace OnnxVae.Tests.Models;

/// <summary>What the training step of a prior of codes minimises.</summary>
internal sealed class CodePriorStepTests
{
    private static readonly CodeGridShape Grid = new(Codes: 4, Height: 4, Width: 4);
    private static readonly byte[] Pixels = [.. Enumerable.Range(0, 16).Select(i => (byte)(i * 16))];

    // An image whose class is hidden is one of the class that stands for none, whatever it is of.
    [Test]
    public void LabelDropout_HidesTheShareOfClasses()
    {
        float hidden = Loss(dropout: 1, label: 0, uniform: 0.9f);
        float[] seen = [.. Enumerable.Range(0, 3).Select(label => Loss(dropout: 0, label, uniform: 0))];

        Assert.That(seen.Append(hidden).Distinct().Count(), Is.EqualTo(4), "each class, and none, has a loss of its own");
        for (int label = 0; label < 3; label++)
        {
            Assert.That(Loss(dropout: 1, label, uniform: 0.9f), Is.EqualTo(hidden));
            Assert.That(Loss(dropout: 0.3, label, uniform: 0.29f), Is.EqualTo(hidden));
            Assert.That(Loss(dropout: 0.3, label, uniform: 0.31f), Is.EqualTo(seen[label]));
        }
    }

    // The loss of one image by a step, with a number in [0, 1) that decides whether its class is hidden.
    private static float Loss(double dropout, long label, float uniform)
    {
        torch.random.manual_seed(5);
        using var prior = new AttentionPrior(Grid, classes: 3, width: 16, depth: 1, heads: 2);
        using (torch.no_grad())
        {
            foreach (var parameter in prior.parameters())
            {
                parameter.add_(0.3 * torch.randn_like(parameter)); // larger than at first, so that everything shows
            }
        }

        var image = Value.Input("image", ElementType.Float32, [Shape.Batch, 1, Grid.Height, Grid.Width]);
        var encoder = GraphCompiler.Build("encoder", [image], [("mean", Ops.Reshape(Ops.Round(3f * image), [Shape.Batch, Grid.Positions]))]);
        var model = new CodePriorModel(prior, encoder, [Grid], level: 0, ["a", "b", "c"]) { LabelDropout = dropout };
        var compiler = new PackageCompiler(model, new TrainingOptions { BatchSize = 1, Optimizer = new Sgd(new ConstantSchedule(1e-3)) });
        using var runner = new ProgramRunner(compiler.Step().Compile(), OnnxDevice.Cpu, threads: 1);
        Pixels.CopyTo(runner.Input<byte>("images"));
        runner.Input<long>("labels")[0] = label;
        runner.Input<float>("hidden")[0] = uniform;
        runner.FillSchedules(1);
        runner.Run();
        return runner.Metric("loss")[0];
    }
}
