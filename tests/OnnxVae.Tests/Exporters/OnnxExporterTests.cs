using Microsoft.ML.OnnxRuntime;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Exporters;

internal sealed class OnnxExporterTests
{
    private const double Tolerance = 1e-5;

    [Test]
    public void Export_WithNamesAndMetadata_WritesThem()
    {
        using var folder = new TemporaryFolder();
        using var network = Sequential(("fc", Linear(4, 3)), ("act", Tanh()));

        OnnxExporter.Export(network, [new ModelTensor("features", ElementType.Float32, [Shape.Batch, 4])], folder["net.onnx"], new OnnxExportOptions
        {
            OutputNames = ["score"],
            Metadata = new Dictionary<string, string> { ["author"] = "me" },
        });

        var model = OnnxModel.Load(folder["net.onnx"]);
        Assert.That(model.Inputs, Is.EqualTo((ModelTensor[])[new("features", ElementType.Float32, [Shape.Batch, 4])]));
        Assert.That(model.Outputs, Is.EqualTo((ModelTensor[])[new("score", ElementType.Float32, [Shape.Batch, 3])]));
        Assert.That(model.Metadata["author"], Is.EqualTo("me"));
        Assert.That(model.Initializers.Select(tensor => tensor.Name), Is.SupersetOf(["fc.weight", "fc.bias"]));
        Assert.That(model.OperatorSets["ai.onnx"], Is.EqualTo(18));
    }

    [Test]
    public void Export_OfSeveralOutputs_NamesThem()
    {
        using var gru = GRU(4, 3);
        float[] data = Numbers.StandardNormal(5 * 2 * 4, 5);

        var model = OnnxExporter.Build(gru, [new ModelTensor("x", ElementType.Float32, [5, Shape.Batch, 4])], new OnnxExportOptions { OutputNames = ["sequence", "last"] });
        float[][] actual = GraphRunner.RunStrictly(model, [data]);

        var (sequence, last) = gru.call(data.ToTorch([5, 2, 4]), null!);
        Assert.That(Numbers.RelativeError(actual[0], sequence.ToArray()), Is.LessThan(Tolerance));
        Assert.That(Numbers.RelativeError(actual[1], last.ToArray()), Is.LessThan(Tolerance));
        Assert.That(model.Outputs[1].Shape, Is.EqualTo(Shape.Create([1, Shape.Batch, 3])));
    }

    [Test]
    public void Export_OfAttention_AveragesItsWeightsOverTheHeads()
    {
        using var attention = MultiheadAttention(6, 2);
        float[] x = Numbers.StandardNormal(4 * 2 * 6, 5);
        ModelTensor[] inputs = [.. ((string[])["query", "key", "value"]).Select(name => new ModelTensor(name, ElementType.Float32, [4, Shape.Batch, 6]))];

        var model = OnnxExporter.Build(attention, inputs, new OnnxExportOptions { OutputNames = ["output", "weights"] });
        float[] actual = GraphRunner.RunStrictly(model, [x, x, x])[1];

        using var tensor = x.ToTorch([4, 2, 6]);
        using var expected = attention.forward(tensor, tensor, tensor, null, true, null).Item2;
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(Tolerance));
    }

    [Test]
    public void Export_OfTooManyNames_Throws()
    {
        using var network = Linear(4, 3);

        Assert.That(
            () => OnnxExporter.Build(network, [new ModelTensor("x", ElementType.Float32, [1, 4])], new OnnxExportOptions { OutputNames = ["a", "b"] }),
            Throws.ArgumentException.With.Message.EqualTo("Linear has 1 output(s), but 2 names are given: a, b."));
    }

    [Test]
    public void Export_InEvaluation_LeavesBatchNormToBeFoldedIntoTheConvolution()
    {
        using var folder = new TemporaryFolder();
        using var network = Sequential(Conv2d(3, 8, 3, padding: 1, bias: false), BatchNorm2d(8), ReLU());
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            OptimizedModelFilePath = folder["optimized.onnx"],
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, 3, 8, 8])]);
        new InferenceSession(model.ToBytes(), options).Dispose();

        Assert.That(OnnxModel.Load(folder["optimized.onnx"]).OperatorCounts.Keys, Is.EqualTo((string[])["com.microsoft.FusedConv"]));
    }

    [Test]
    public void Export_InTraining_NormalizesByTheBatch()
    {
        using var network = BatchNorm1d(3);
        float[] data = Numbers.StandardNormal(12, 5);

        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [4, 3])], new OnnxExportOptions { Training = true });

        using var expected = network.call(data.ToTorch([4, 3]));
        Assert.That(Numbers.RelativeError(GraphRunner.RunStrictly(model, [data])[0], expected.ToArray()), Is.LessThan(Tolerance));
    }

    // Autograd is no reference here: for a size that stays, libtorch's gradient is not that of what it computes.
    [TestCase(torch.UpsampleMode.Nearest)]
    [TestCase(torch.UpsampleMode.Bicubic)]
    public void Export_OfUpsamplingThatKeepsTheSize_EqualsTorch(torch.UpsampleMode mode)
    {
        using var layer = Upsample(scale_factor: [1.1, 1.1], mode: mode);
        float[] data = Numbers.StandardNormal(42, 5);

        float[] actual = GraphRunner.RunStrictly(OnnxExporter.Build(layer, [new ModelTensor("x", ElementType.Float32, [1, 1, 7, 6])]), [data])[0];

        using var expected = layer.call(data.ToTorch([1, 1, 7, 6]));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(Tolerance));
    }

    [Test]
    public void Export_WithExternalData_RunsFromBothFiles()
    {
        using var folder = new TemporaryFolder();
        using var network = Sequential(Linear(40, 30), Tanh(), Linear(30, 20));
        var options = new OnnxExportOptions { ExternalData = true };
        float[] data = Numbers.StandardNormal(40, 5);

        var inMemory = OnnxExporter.Export(network, [1, 40], folder["net.onnx"], options);

        string dataFile = Directory.GetFiles(folder.Path, "net.onnx.*.data").Single();
        Assert.That(new FileInfo(folder["net.onnx"]).Length, Is.LessThan(3000));
        Assert.That(new FileInfo(dataFile).Length, Is.GreaterThan(4 * ((40 * 30) + (30 * 20))));
        using var session = new InferenceSession(folder["net.onnx"]);
        using var input = OrtValue.CreateTensorValueFromMemory(data, [1, 40]);
        using var runOptions = new RunOptions();
        using var output = session.Run(runOptions, ["input"], [input], ["output"]);
        float[] expected = GraphRunner.Run(inMemory, [data])[0];
        Assert.That(output[0].GetTensorDataAsSpan<float>().ToArray(), Is.EqualTo(expected));
        Assert.That(GraphRunner.Run(OnnxModel.Load(folder["net.onnx"]), [data])[0], Is.EqualTo(expected));
    }

    [Test]
    public void Export_WithExternalDataTwice_LeavesOneDataFile()
    {
        using var folder = new TemporaryFolder();
        var options = new OnnxExportOptions { ExternalData = true };
        using var first = Linear(40, 30);
        using var second = Linear(40, 30);

        OnnxExporter.Export(first, [1, 40], folder["net.onnx"], options);
        OnnxExporter.Export(second, [1, 40], folder["net.onnx"], options);

        Assert.That(Directory.GetFiles(folder.Path), Has.Length.EqualTo(2));
        Assert.That(OnnxModel.Load(folder["net.onnx"]), Is.Not.Null);
    }

    [Test]
    public void Export_OverExternalData_DeletesItsOwnFilesOnly()
    {
        using var folder = new TemporaryFolder();
        using var network = Linear(40, 30);
        File.WriteAllText(folder["net.onnx.backup.data"], "mine");
        OnnxExporter.Export(network, [1, 40], folder["net.onnx"], new OnnxExportOptions { ExternalData = true });

        OnnxExporter.Export(network, [1, 40], folder["net.onnx"]);

        Assert.That(Directory.GetFiles(folder.Path).Select(Path.GetFileName), Is.EquivalentTo((string[])["net.onnx", "net.onnx.backup.data"]));
    }

    [Test]
    public void Load_WithoutItsExternalData_NamesTheFile()
    {
        using var folder = new TemporaryFolder();
        using var network = Linear(40, 30);
        OnnxExporter.Export(network, [1, 40], folder["net.onnx"], new OnnxExportOptions { ExternalData = true });
        string dataFile = Directory.GetFiles(folder.Path, "*.data").Single();
        File.Delete(dataFile);

        Assert.That(
            () => OnnxModel.Load(folder["net.onnx"]),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                $"'{folder["net.onnx"]}' keeps tensor 'weight' in '{Path.GetFileName(dataFile)}', which is missing: put that file in the same folder."));
    }

    [Test]
    public void Build_WithAnInputThatChangesNothing_NamesIt()
    {
        using var network = new FirstOnly();

        Assert.That(
            () => OnnxExporter.Build(network, [new ModelTensor("x", ElementType.Float32, [1, 2]), new ModelTensor("mask", ElementType.Float32, [1, 2])]),
            Throws.ArgumentException.With.Message.EqualTo(
                "Input 'mask' does not affect the outputs (output) of FirstOnly, so that the file would not have it: leave it out, or name the output that depends on it."));
    }

    private sealed class FirstOnly() : Module<torch.Tensor, torch.Tensor, torch.Tensor>(nameof(FirstOnly)), IMultiLowerable
    {
        public override torch.Tensor forward(torch.Tensor x, torch.Tensor mask) => x.relu();

        public IReadOnlyList<Value> Lower(ModuleLowering lowering, IReadOnlyList<Value> inputs) => [Ops.Relu(inputs[0])];
    }
}
