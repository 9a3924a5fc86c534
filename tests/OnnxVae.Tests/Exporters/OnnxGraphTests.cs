using System.Text.Json;
using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Passes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>Models read back as graphs: this project's, and one that PyTorch wrote.</summary>
internal sealed class OnnxGraphTests
{
    private const double ForwardTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;
    private const double LossTolerance = 1e-4;

    private static string PyTorchModel => Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/pytorch_cnn.onnx");

    private static JsonElement PyTorchRun => JsonDocument.Parse(File.ReadAllText(Path.ChangeExtension(PyTorchModel, ".json"))).RootElement;

    [TestCaseSource(typeof(LayerRows), nameof(LayerRows.All))]
    public void Read_OfExportedLayer_ComputesTheSame(LayerRow row)
    {
        using var layer = row.Make();
        var model = OnnxExporter.Build(layer, row.ModelInputs);

        var graph = OnnxGraph.Read(model);

        float[] actual = GraphRunner.Run([graph.Outputs[0].Value], [.. graph.Inputs.Zip(row.Data), .. Weights(graph)])[0];
        Assert.That(Numbers.RelativeError(actual, GraphRunner.Run(model, row.Data)[0]), Is.LessThan(ForwardTolerance));
    }

    // The operator takes a scale, which this project's own files fill with ones.
    [Test]
    public void Read_OfNormalizationWithoutScale_MultipliesByNone()
    {
        var x = Value.Input("x", ElementType.Float32, [2, 8]);
        var model = GraphCompiler.Build("normalization", [x], [("y", Ops.Normalize(x, [1], 1e-5f))]);

        var read = OnnxGraph.Read(model).ToModel(CompilationTarget.Deployment);

        Assert.That(read.OperatorCounts.Keys, Is.EquivalentTo(model.OperatorCounts.Keys).And.Not.Contains("Mul"));
    }

    [TestCaseSource(typeof(NetworksTests), nameof(NetworksTests.Rows))]
    public void Read_OfExportedNetwork_HasTheSameGradients(NetworkRow row)
    {
        torch.random.manual_seed(3);
        using var network = row.Build();
        network.eval();
        Shape input = [2, .. row.Input];
        float[] data = Numbers.StandardNormal(input.ElementCount, 5);
        var lowering = new ModuleLowering(network);
        var x = Value.Input("input", ElementType.Float32, input);
        float[][] expected = GraphRunner.Run(
            Backward.Gradients(Ops.Sum(Ops.Square(lowering.Lower(network, x))), [.. lowering.Parameters.Select(parameter => parameter.Current)]),
            [(x, data), .. lowering.States.Select(state => (state.Current, GraphRunner.ToArray(state.Initial)))]);

        var graph = OnnxGraph.Read(OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, .. row.Input])]), batch: 2);

        float[][] actual = GraphRunner.Run(
            Backward.Gradients(Ops.Sum(Ops.Square(graph.Output)), [.. lowering.Parameters.Select(parameter => Parameter(graph, parameter.Spec.Name))]),
            [(graph.Inputs[0], data), .. Weights(graph)]);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That(Numbers.RelativeError(actual[i], expected[i]), Is.LessThan(GradientTolerance), lowering.Parameters[i].Spec.Name);
        }
    }

    // Statistics by their place, what no gradient reaches by its use; a name says nothing.
    [Test]
    public void Read_TellsWhatIsTrained_ByItsRole()
    {
        var row = new FileRow("roles", [[2, 3, 2]], [2, 3, 2],
            [
                FileRow.Node("BatchNormalization", ["x0", "w", "b", "m", "v"], "n"), FileRow.Node("Greater", ["n", "bound"], "over"),
                FileRow.Node("Mul", ["n", "constant_gain"], "g"), FileRow.Node("Where", ["over", "g", "n"], "y"),
            ],
            FileRow.Floats("w", [3], 1, 2, 3), FileRow.Floats("b", [3], 0, 0, 1), FileRow.Floats("m", [3], 0, 1, 0), FileRow.Floats("v", [3], 1, 1, 2),
            FileRow.Floats("constant_gain", [2], 2, 3), FileRow.Floats("bound", [1], 0.5f));

        OnnxGraph graph = OnnxGraph.Read(row.Model()), chosen = OnnxGraph.Read(row.Model(), isTrained: name => name is "m" or "bound");

        Assert.That(graph.Parameters.Select(parameter => parameter.Spec.Name), Is.EqualTo((string[])["w", "b", "constant_gain"]));
        Assert.That(graph.Frozen, Is.EqualTo((string[])["m", "v", "bound"]));
        Assert.That(chosen.Parameters.Select(parameter => parameter.Spec.Name), Is.EqualTo((string[])["m", "bound"]));
    }

    [Test]
    public void Read_OfSeveralSymbolicSizes_AsksForThoseThatAreNotTheBatch()
    {
        var model = new FileRow("symbols", [[2, 5, 3]], [2, 5, 3], [FileRow.Node("Relu", ["x0"], "y")]).Model();
        var dimensions = model.Proto.Graph.Input[0].Type.TensorType.Shape.Dim;
        (dimensions[0].DimParam, dimensions[1].DimParam) = ("N", "length");

        Assert.That(() => OnnxGraph.Read(model, batch: 2), Throws.TypeOf<InvalidDataException>().With.Message.EqualTo("Axis 1 of input 'x0' is symbolic: give the size of 'length'."));
        var graph = OnnxGraph.Read(model, batch: 2, sizes: new Dictionary<string, long> { ["length"] = 7 });

        Assert.That(graph.Output.Shape, Is.EqualTo(Shape.Create([2, 7, 3])));
        Assert.That(OnnxGraph.Read(model, sizes: new Dictionary<string, long> { ["length"] = 7 }).Output.Shape, Is.EqualTo(Shape.Create([Shape.Batch, 7, 3])));
    }

    [Test]
    public void Write_OfNodeWithAnOutputThatNobodyNeeds_IsValid()
    {
        var row = new FileRow("top", [[2, 5]], [2, 3], [FileRow.Node("TopK", ["x0", "k"], ["values", "y0"]), FileRow.Node("Cast", ["y0"], "y", FileRow.Int("to", 1))], FileRow.Longs("k", [1], 3));
        var model = row.Model();
        model.Proto.Graph.ValueInfo.Add(FileRow.Info("values", ElementType.Float32, [2, 3]));
        model.Proto.Graph.ValueInfo.Add(FileRow.Info("y0", ElementType.Int64, [2, 3]));
        model.Proto.Graph.Output.Add(FileRow.Info("values", ElementType.Float32, [2, 3]));
        float[] data = Numbers.StandardNormal(10, 1);
        float[][] expected = GraphRunner.Run(model, data);
        var graph = OnnxGraph.Read(model);

        float[][] actual = [.. graph.Outputs.SelectMany(output => GraphRunner.Run((graph with { Outputs = [output] }).ToModel(), data))];

        Assert.That(actual, Is.EqualTo(expected));
    }

    // Through numbers of 16 and 64 bits, which have a gradient like any others.
    [TestCase("autocast_half", 2e-3)]
    [TestCase("cast_double_weight", 1e-5)]
    public void Read_OfOtherPrecisions_ComputesTheSame_AndHasAGradient(string name, double tolerance)
    {
        var model = OnnxModel.Load(Path.Combine(Repository.Root, $"tests/OnnxVae.Tests/Fixtures/onnx/{name}.onnx"));
        var graph = OnnxGraph.Read(model, batch: 3);
        float[][] data = [.. graph.Inputs.Select((input, i) => Numbers.StandardNormal(input.Shape.ElementCount, (ulong)i))];
        var loss = Ops.Sum(Ops.Square(graph.Output));
        Value[] parameters = [.. graph.Parameters.Select(parameter => parameter.Current)];

        float[] actual = GraphRunner.Run([graph.Output], [.. graph.Inputs.Zip(data, (input, values) => (input, (Array)values)), .. Weights(graph)])[0];

        Assert.That(Numbers.RelativeError(actual, GraphRunner.Run(model, data)[0]), Is.LessThan(tolerance));
        Assert.That(parameters, Is.Not.Empty);
        float[][] gradients = GraphRunner.Run(Backward.Gradients(loss, parameters), [.. graph.Inputs.Zip(data, (input, values) => (input, (Array)values)), .. Weights(graph)]);
        Assert.That(gradients.SelectMany(gradient => gradient).Any(slope => slope != 0), "a gradient");
        const float step = 1e-2f;
        double slope = gradients.Sum(gradient => gradient.Sum(value => (double)value)), difference = (LossAt(step) - LossAt(-step)) / (2 * step);
        Assert.That(difference, Is.EqualTo(slope).Within(1e-2 * Math.Abs(slope)));

        double LossAt(float shift) => GraphRunner.Run([loss], [.. graph.Inputs.Zip(data, (input, values) => (input, (Array)values)),
            .. graph.Parameters.Select(parameter => (parameter.Current, (Array)parameter.Initial.As<float>().ToArray().Select(weight => weight + shift).ToArray()))])[0][0];
    }

    // A window of 60 x 80 at 97 x 97 places: a table of what each pixel may have won would take more than there is.
    [Test]
    public void Gradient_OfLargeWindows_TakesTheMemoryOfAFewImages()
    {
        var graph = OnnxGraph.Read(OnnxModel.Load(Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures/onnx/maxpool_large_window.onnx")), batch: 1);
        float[] data = Numbers.StandardNormal(graph.Inputs[0].Shape.ElementCount, 1);
        long before = GC.GetTotalAllocatedBytes();

        float[] gradient = GraphRunner.Run(Backward.Gradients(Ops.Sum(graph.Output), graph.Inputs), (graph.Inputs[0], data))[0];

        Assert.That(GC.GetTotalAllocatedBytes() - before, Is.LessThan(100L * 1024 * 1024), "images of 4 MB");
        using var x = data.ToTorch(graph.Inputs[0].Shape).requires_grad_();
        torch.nn.functional.max_pool2d(x, [60, 80], [10, 10], [10, 20]).sum().backward();
        Assert.That(Numbers.RelativeError(gradient, x.grad!.ToArray()), Is.LessThan(GradientTolerance));
    }

    [Test]
    public void Read_OfPyTorchModel_ComputesWhatPyTorchDid()
    {
        var graph = OnnxGraph.Read(OnnxModel.Load(PyTorchModel), batch: 6);

        float[] actual = GraphRunner.Run([graph.Output], [(graph.Inputs[0], Floats("x")), .. Weights(graph)])[0];

        Assert.That(Numbers.RelativeError(actual, Floats("output")), Is.LessThan(ForwardTolerance));
    }

    [Test]
    public void PyTorchModel_GivenALoss_TrainsAsInPyTorch()
    {
        var graph = OnnxGraph.Read(OnnxModel.Load(PyTorchModel), batch: 6);
        var (x, target) = (Data(graph.Inputs[0]), ProgramInput.Data("target", ElementType.Int64, [6]));
        using var criterion = torch.nn.NLLLoss();
        var loss = new ModuleLowering(criterion).Lower(criterion, graph.Output, target.Value);
        using var runner = new StepRunner(
            new TrainingStep(loss, graph.Parameters, new Sgd(new ConstantSchedule(0.2), momentum: 0.9)) { Inputs = [x, target] }.ToProgram());

        foreach (float expected in Floats("losses"))
        {
            float actual = runner.Run(Floats("x"), Floats("target").Select(label => (long)label).ToArray())["loss"][0];
            Assert.That(actual, Is.EqualTo(expected).Within(LossTolerance));
        }

        Assert.That(Numbers.RelativeError(runner.State("fc.weight"), Floats("weight")), Is.LessThan(GradientTolerance));
    }

    [Test]
    public void UnknownOperator_OffTheGradientPath_StaysAsItIs()
    {
        var graph = OnnxGraph.Read(WithUnknownOperator());
        var w = Value.Input("w", ElementType.Float32, [2, 3]);

        float[] actual = GraphRunner.Run(Backward.Gradients(Ops.Sum(graph.Output * w), [w]), (graph.Inputs[0], (float[])[1, 2, 3, 4, 5, 6]), (w, new float[6]))[0];

        Assert.That(actual, Is.EqualTo((float[])[0, 0, 1, 0, 0, 1]));
    }

    [Test]
    public void UnknownOperator_OnTheGradientPath_IsRefusedByName()
    {
        var graph = OnnxGraph.Read(WithUnknownOperator());

        Assert.That(
            () => Backward.Gradients(Ops.Sum(graph.Output), [graph.Inputs[0]]),
            Throws.TypeOf<NotSupportedException>().With.Message.EqualTo(
                "No gradient through Hardmax 'largest' (result [2, 3]): it was read from a file with an operator or settings that have no gradient rule. Train only what comes after it, or add a rule with GradientTable.With."));
    }

    [Test]
    public void UnknownOperator_WithARuleOfOnesOwn_HasAGradient()
    {
        var graph = OnnxGraph.Read(WithUnknownOperator());
        var straightThrough = GradientTable.Default.With("Hardmax", (_, dy) => [3f * dy]);

        float[] actual = GraphRunner.Run(Backward.Gradients(Ops.Sum(graph.Output), [graph.Inputs[0]], straightThrough), (graph.Inputs[0], (float[])[1, 2, 3, 4, 5, 6]))[0];

        Assert.That(actual, Is.All.EqualTo(3f));
    }

    [Test]
    public void Read_OfForeignDomain_SaysWhatToDo()
    {
        var proto = WithUnknownOperator().Proto.Clone();
        proto.Graph.Node[0].Domain = "com.microsoft";

        Assert.That(
            () => OnnxGraph.Read(new OnnxModel(proto)),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "Hardmax 'largest' is an operator of domain 'com.microsoft'; only the standard domain is read: export the model before it is optimized for a runtime."));
    }

    [Test]
    public void Read_OfOldOperatorSet_SaysWhatToDo()
    {
        var proto = WithUnknownOperator().Proto.Clone();
        proto.OpsetImport[0].Version = 9;

        Assert.That(
            () => OnnxGraph.Read(new OnnxModel(proto)),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "The model is written in operator set 9; sets from 13 on are read: convert it with ONNX's version converter."));
    }

    private static float[] Floats(string name) => [.. PyTorchRun.GetProperty(name).EnumerateArray().Select(number => number.GetSingle())];

    private static ProgramInput Data(Value input) => new(new InputSpec(input.Name!, input.Type, input.Shape, InputRole.Data), input);

    private static Value Parameter(OnnxGraph graph, string name) => graph.Parameters.Single(parameter => parameter.Spec.Name == name).Current;

    private static IEnumerable<(Value, Array)> Weights(OnnxGraph graph) =>
        graph.Parameters.Select(parameter => (parameter.Current, GraphRunner.ToArray(parameter.Initial)));

    // y = CumSum(x) along the second axis: an operator without a row.
    private static OnnxModel WithUnknownOperator()
    {
        var x = Value.Input("x", ElementType.Float32, [2, 3]);
        var model = GraphCompiler.Build("unknown", [x], [("y", Ops.Relu(x))]);
        var node = model.Proto.Graph.Node[0];
        (node.OpType, node.Name) = ("Hardmax", "largest");
        return model;
    }
}
