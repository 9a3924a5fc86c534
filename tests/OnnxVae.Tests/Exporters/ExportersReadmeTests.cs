using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using AdamW = OnnxVae.Exporters.Optimizers.AdamW;
using GraphProgram = OnnxVae.Exporters.Programs.Program;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Tests.Exporters;

/// <summary>The examples of exporters/README.md, as they are printed there.</summary>
[NonParallelizable]
internal sealed class ExportersReadmeTests
{
    [Test]
    public void Examples_Run()
    {
        using var temporary = new TemporaryFolder();
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = temporary.Path;
        try
        {
            Export();
            float loss = Train();
            var parameters = ReadFile();

            Assert.That(loss, Is.Not.NaN.And.LessThan(0.2f));
            Assert.That(parameters.Select(parameter => parameter.Spec.Name), Has.Member("fc.weight"));
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Test]
    public void ExampleLayer_Exported_EqualsTorch()
    {
        using var layer = new Scale();
        float[] data = Numbers.StandardNormal(6, 5);

        float[] actual = GraphRunner.Run(OnnxExporter.Build(layer, [new ModelTensor("x", ElementType.Float32, [2, 3])]), [data])[0];

        using var expected = layer.call(data.ToTorch([2, 3]));
        Assert.That(actual, Is.EqualTo(expected.ToArray()).Within(1e-6));
    }

    // In training the average that the buffer becomes is the one that is subtracted.
    [Test]
    public void ExampleLayerOfTwoInputs_EqualsTorch([Values] bool isTraining)
    {
        random.manual_seed(1);
        using var layer = new Centred(3, 2);
        layer.train(isTraining);
        float[] x = Numbers.StandardNormal(12, 5), condition = Numbers.StandardNormal(8, 6);
        var lowering = isTraining ? new ModuleLowering(layer).ForTraining() : new ModuleLowering(layer);
        Value[] inputs = [Value.Input("x", ElementType.Float32, [4, 3]), Value.Input("condition", ElementType.Float32, [4, 2])];
        var output = lowering.Lower(layer, inputs);

        float[][] actual = GraphRunner.Run(
            [output, .. lowering.Updates.Select(update => update.Next)],
            [(inputs[0], x), (inputs[1], condition), .. lowering.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)))]);

        using var expected = layer.call(x.ToTorch([4, 3]), condition.ToTorch([4, 2]));
        Assert.That(Numbers.RelativeError(actual[0], expected.ToArray()), Is.LessThan(1e-6));
        Assert.That(lowering.Updates.Select(update => update.State.Spec.Name), Is.EqualTo(isTraining ? (string[])["mean"] : []));
        if (isTraining)
        {
            using var mean = layer.named_buffers().Single().buffer;
            Assert.That(Numbers.RelativeError(actual[1], mean.ToArray()), Is.LessThan(1e-6));
        }
    }

    private static void Export()
    {
        var network = Sequential(
            ("conv", Conv2d(1, 8, 3, padding: 1)), ("norm", BatchNorm2d(8)), ("act", ReLU()),
            ("pool", AdaptiveAvgPool2d(1)), ("flat", Flatten()), ("fc", Linear(8, 10)));
        OnnxExporter.Export(network, [Shape.Batch, 1, 28, 28], "digits.onnx");
    }

    private static float Train()
    {
        random.manual_seed(1);
        ulong batches = 0;
        var classifier = Sequential(Linear(20, 64), ReLU(), Dropout(0.1), Linear(64, 3));
        var lowering = new ModuleLowering(classifier).ForTraining();
        var x = ProgramInput.Data("x", ElementType.Float32, [32, 20]);
        var label = ProgramInput.Data("label", ElementType.Int64, [32]);
        var loss = lowering.Lower(CrossEntropyLoss(), lowering.Lower(classifier, x.Value), label.Value);

        var step = new TrainingStep(loss, lowering.States, new AdamW(new CosineSchedule(1e-2, WarmUpSteps: 10, TotalSteps: 200)))
        {
            Inputs = [x, label, .. lowering.Noise],
            Updates = lowering.Updates,
            MaxGradientNorm = 1,
        }.ToProgram();

        using var runner = new ProgramRunner(step.Compile(), OnnxDevice.Cpu);
        for (int i = 1; i <= 200; i++)
        {
            FillBatch(runner.Input<float>("x"), runner.Input<long>("label"));
            runner.FillNoise(seed: 1, step: i);
            runner.FillSchedules(i);
            runner.Run();
        }

        Console.WriteLine(runner.Metric("loss")[0]);
        var weights = runner.States.Snapshot();
        Assert.That(weights.Keys, Has.Member("0.weight"));

        var parameters = lowering.Parameters;
        var gradients = Backward.Gradients(loss, [.. parameters.Select(parameter => parameter.Current)]);
        var program = new GraphProgram("gradients", [x, label, .. lowering.Noise], lowering.States, [],
        [
            new Metric("loss", MetricRole.Loss, loss),
            .. parameters.Zip(gradients, (parameter, gradient) => new Metric($"{parameter.Spec.Name}.gradient", MetricRole.Tensor, gradient)),
        ]);
        using var gradient = new ProgramRunner(program.Compile(), OnnxDevice.Cpu);
        FillBatch(gradient.Input<float>("x"), gradient.Input<long>("label"));
        gradient.FillNoise(seed: 1, step: 1);
        gradient.Run();
        Console.WriteLine(gradient.Metric("0.weight.gradient").Length);
        Assert.That(gradient.Metric("0.weight.gradient").ToArray(), Has.Length.EqualTo(64 * 20).And.Some.Not.Zero);
        return runner.Metric("loss")[0];

        // The label is the largest of the first three features.
        void FillBatch(Span<float> features, Span<long> labels)
        {
            Philox.FillStandardNormal(features, seed: 2, stream: 0, position: batches++);
            for (int row = 0; row < labels.Length; row++)
            {
                var three = features.Slice(20 * row, 3);
                labels[row] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(three);
            }
        }
    }

    private static IReadOnlyList<State> ReadFile()
    {
        var graph = OnnxGraph.Read(OnnxModel.Load("digits.onnx"), batch: 32);
        var parameters = graph.Parameters;
        return parameters;
    }

    private sealed class Centred : Module<Tensor, Tensor, Tensor>, IMultiLowerable
    {
        private readonly Linear gain;
        private readonly Tensor mean;

        public Centred(long size, long conditions)
            : base(nameof(Centred))
        {
            (gain, mean) = (Linear(conditions, size), zeros(size));
            RegisterComponents();                                          // gain is a child, mean a buffer
        }

        public override Tensor forward(Tensor x, Tensor condition)
        {
            if (training)
            {
                using var untracked = no_grad();
                mean.mul_(0.9).add_(0.1 * x.mean([0]));
            }

            return (x - mean) * gain.call(condition);
        }

        public IReadOnlyList<Value> Lower(ModuleLowering lowering, IReadOnlyList<Value> inputs)
        {
            var (x, condition, average) = (inputs[0], inputs[1], lowering.Parameter(mean));
            if (lowering.IsTraining(this))
            {
                average = Ops.StopGradient((0.9f * average) + (0.1f * Ops.ReduceMean(x, [0])));
                lowering.Update(mean, average);
            }

            return [(x - average) * lowering.Lower(gain, condition)];
        }
    }

    private sealed class Scale : Module<Tensor, Tensor>, ILowerable
    {
        private readonly Parameter gain = new(ones(1));

        public Scale()
            : base(nameof(Scale)) => RegisterComponents();

        public override Tensor forward(Tensor x) => gain * x.tanh();

        public Value Lower(ModuleLowering lowering, Value x) => lowering.Parameter(gain) * Ops.Tanh(x);
    }
}
