using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>Every row of the layer table against TorchSharp, in evaluation and in training.</summary>
[TestFixtureSource(typeof(LayerRows), nameof(LayerRows.All))]
internal sealed class LayersTests(LayerRow row)
{
    private const double ForwardTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;
    private const double FiniteDifferenceTolerance = 2e-2;
    private const float FiniteDifferenceStep = 1e-3f;

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
        if (!graph.IsDifferentiable)
        {
            return;
        }

        (y.square() * LossWeights(y.shape).ToTorch([.. y.shape])).sum().backward();
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

    [Test]
    public void Gradients_AlongRandomDirection_EqualFiniteDifference()
    {
        using var layer = row.Make();
        var graph = new LayerGraph(row, layer, training: true);
        if (!graph.IsDifferentiable || !row.IsSmooth)
        {
            return;
        }

        float[][] direction = [.. graph.Targets.Select((target, i) => Numbers.StandardNormal(target.Shape.ElementCount, (ulong)(200 + i)))];
        double slope = graph.Run(Backward.Gradients(graph.Loss, graph.Targets)).Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        double difference = (LossAt(FiniteDifferenceStep) - LossAt(-FiniteDifferenceStep)) / (2 * FiniteDifferenceStep);

        Assert.That(difference, Is.EqualTo(slope).Within(FiniteDifferenceTolerance * Math.Max(1, Math.Abs(slope))));

        double LossAt(float step) => graph.Run([graph.Loss], (target, values) =>
            [.. values.Zip(direction[graph.Targets.ToList().IndexOf(target)], (x, d) => x + (step * d))])[0][0];
    }

    // Every entry counts differently: the plain sum of squares of normalized numbers does not depend on them.
    private static float[] LossWeights(IEnumerable<long> shape) => Numbers.StandardNormal(shape.Aggregate(1L, (product, d) => product * d), 77);

    /// <summary>A layer lowered in one mode, with a loss behind it, and the data to run it on.</summary>
    private sealed class LayerGraph
    {
        private readonly List<(Value Input, Array Data)> data;

        public LayerGraph(LayerRow row, torch.nn.Module layer, bool training)
        {
            Lowering = new ModuleLowering(layer);
            Lowering = training ? Lowering.ForTraining() : Lowering;
            Value[] inputs = [.. row.ModelInputs.Select(input => Value.Input(input.Name, input.Type, input.Shape))];
            Output = Lowering.Lower(layer, inputs);
            Targets = [.. inputs.Where((input, i) => input.Type == ElementType.Float32 && !(row.HasFixedTarget && i == inputs.Length - 1)), .. Lowering.Parameters.Select(parameter => parameter.Current)];
            data = [.. inputs.Zip(row.Data), .. Lowering.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)))];
        }

        public ModuleLowering Lowering { get; }

        public Value Output { get; }

        public Value Loss => Ops.Sum(Ops.Square(Output) * Value.Of<float>(Output.Shape, LossWeights(Output.Shape)));

        public IReadOnlyList<Value> Targets { get; }

        public bool IsDifferentiable => Targets.Count > 0;

        public float[][] Run(IReadOnlyList<Value> outputs, Func<Value, float[], float[]>? change = null) => GraphRunner.Run(
            outputs, [.. data.Select(pair => change is not null && Targets.Contains(pair.Input) ? (pair.Input, change(pair.Input, (float[])pair.Data)) : pair)]);
    }
}
