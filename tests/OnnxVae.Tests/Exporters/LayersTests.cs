using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>Every row of the layer table against TorchSharp, in evaluation and in training.</summary>
[TestFixtureSource(typeof(LayerRows), nameof(LayerRows.All))]
internal sealed class LayersTests(LayerRow row)
{
    private const double ForwardTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;

    [Test]
    public void Export_InEvaluation_EqualsTorch()
    {
        using var layer = row.Make();
        var tensors = row.Tensors();
        var model = OnnxExporter.Build(layer, row.ModelInputs);

        float[] actual = GraphRunner.RunStrictly(model, row.Data)[0];

        layer.eval();
        using var expected = row.Call(layer, tensors);
        Assert.That(model.Outputs[0].Shape.ToArray(), Is.EqualTo(expected.shape));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance));
    }

    [Test]
    public void Gradients_EqualAutograd([Values] bool training)
    {
        using var layer = row.Make();
        var tensors = row.Tensors();
        var graph = new LayerGraph(row, layer, training);
        layer.train(training);
        using var y = row.Call(layer, tensors);
        Assert.That(Numbers.RelativeError(graph.Run([graph.Output])[0], y.ToArray()), Is.LessThan(ForwardTolerance), "forward");
        graph.TorchLoss(y).backward();
        float[][] expected = [.. tensors.Where(tensor => tensor.requires_grad).Concat(layer.parameters())
            .Select(tensor => tensor.grad?.ToArray() ?? new float[tensor.numel()])];
        float[][] actual = graph.Run(Backward.Gradients(graph.Loss, graph.Targets));

        Assert.Multiple(() =>
        {
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.That(Numbers.RelativeError(actual[i], expected[i]), Is.LessThan(GradientTolerance), graph.Targets[i].Name);
            }
        });
    }

    [Test]
    public void Buffers_AfterTrainingStep_EqualTorch()
    {
        using var layer = row.Make();
        var graph = new LayerGraph(row, layer, training: true);
        var updates = graph.Lowering.Updates;
        Assert.That(updates.Select(update => update.State.Spec.Name), Is.EquivalentTo(row.UpdatedBuffers));

        layer.train();
        row.Call(layer, row.Tensors()).Dispose();

        foreach (var update in updates)
        {
            float[] actual = graph.Run([Ops.Cast(update.Next, ElementType.Float32)])[0];
            using var expected = layer.named_buffers().Single(buffer => buffer.name == update.State.Spec.Name).buffer.to(torch.float32);
            Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(ForwardTolerance), update.State.Spec.Name);
        }
    }
}
