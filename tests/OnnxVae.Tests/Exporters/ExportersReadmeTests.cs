using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using AdamW = OnnxVae.Exporters.Optimizers.AdamW;
using OnnxTensor = OnnxVae.Exporters.Onnx.Tensor;
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
            var parameters = CheckAndRead();

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

    [Test]
    public void Examples_AreTheOnesThatAreTested() => ReadmeExamples.AssertTested(
        "exporters/README.md", "tests/OnnxVae.Tests/Exporters/ExportersReadmeTests.cs",
        "exporters/Onnx/Ops.Elementwise.cs", "exporters/Autodiff/GradientRules.Elementwise.cs", "tests/OnnxVae.Tests/Exporters/OpsTests.cs");

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

        using var runner = new ProgramRunner(step, OnnxDevice.Cpu);
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

    private static IReadOnlyList<State> CheckAndRead()
    {
        var report = GradientCheck.Run(v => Ops.Mean(Ops.Square(Ops.Tanh(v[0]))), ("w", OnnxTensor.From<float>([2, 2], 0.1f, 0.2f, -0.3f, 0.4f)));
        Console.WriteLine(report);
        Assert.That(report.RelativeError, Is.LessThan(1e-2));

        var graph = OnnxGraph.Read(OnnxModel.Load("digits.onnx"), batch: 32);
        var parameters = graph.Parameters;
        return parameters;
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
