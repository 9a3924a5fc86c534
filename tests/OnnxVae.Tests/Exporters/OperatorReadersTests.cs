using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Onnx.Schema;
using OnnxVae.Exporters.Reading;
using OnnxVae.Tests.Support;
using static OnnxVae.Tests.Exporters.FileRow;

namespace OnnxVae.Tests.Exporters;

/// <summary>Nodes with settings of all kinds: what is read computes what ONNX Runtime makes of the file.</summary>
internal sealed class OperatorReadersTests
{
    private const double Tolerance = 1e-5;
    private const double FiniteDifferenceTolerance = 2e-2;

    private static FileRow[] Rows =>
    [
        new("Clip above, left out below", [[2, 3]], [2, 3], [Node("Clip", ["x0", "", "max"], "y")], Floats("max", [], 0.3f)),
        new("Pow by a number", [[2, 3]], [2, 3], [Node("Exp", ["x0"], "e"), Node("Pow", ["e", "p"], "y")], Floats("p", [], 1.5f)),
        new("Pow by an integer", [[2, 3]], [2, 3], [Node("Pow", ["x0", "p"], "y")], Longs("p", [], 2)),
        new("Pow by a vector", [[2, 3]], [2, 3], [Node("Pow", ["x0", "p"], "y")], Floats("p", [3], 1, 2, 3)) { IsDifferentiable = false },
        new("Flatten from the last axis", [[1, 2, 3]], [2, 3], [Node("Flatten", ["x0"], "y", Int("axis", -1))]),
        new("Reshape by joined constants", [[2, 3, 4]], [12, 2], [Node("Concat", ["open", "two"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")],
            Longs("open", [1], -1), Longs("two", [1], 2)),
        new("Reshape by shape arithmetic", [[2, 3, 4]], [3, 8], [Node("Shape", ["x0"], "s", Int("start", 1), Int("end", 2)), Node("Concat", ["s", "open"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")], Longs("open", [1], -1)),
        new("Reshape by a slice of the shape", [[2, 3, 4]], [4, 6], [Node("Shape", ["x0"], "s"), Node("Slice", ["s", "from", "to"], "last"), Node("Concat", ["last", "open"], "t", Int("axis", 0)), Node("Reshape", ["x0", "t"], "y")],
            Longs("from", [1], -1), Longs("to", [1], 3), Longs("open", [1], -1)),
        new("LayerNormalization with an output left out", [[2, 4]], [2, 4],
            [Node("LayerNormalization", ["x0", "w"], ["h", "", "s"]), Node("Clip", ["h", "", "max"], "y")], Floats("w", [4], 1, 2, 3, 4), Floats("max", [], 0.3f)),
        new("Dropout in training at ratio 0", [[2, 3]], [2, 3], [Node("Dropout", ["x0", "ratio", "on"], "y")], Floats("ratio", [], 0f), ("on", new Tensor(ElementType.Bool, [], new byte[] { 1 }))) { IsDifferentiable = false },
        new("Gemm with factors", [[2, 3], [4, 3], [4]], [2, 4], [Node("Gemm", ["x0", "x1", "x2"], "y", Int("transB", 1), Float("alpha", 0.5f), Float("beta", 2f))]),
        new("MatMul with a vector", [[2, 3], [3]], [2], [Node("MatMul", ["x0", "x1"], "y")]) { IsDifferentiable = false },
        new("Conv, padded on one side", [[1, 2, 5, 5], [3, 2, 2, 2]], [1, 3, 5, 5], [Node("Conv", ["x0", "x1"], "y", Ints("pads", 0, 0, 1, 1))]),
        new("Conv with auto_pad", [[1, 2, 5, 5], [3, 2, 2, 2]], [1, 3, 5, 5], [Node("Conv", ["x0", "x1"], "y", Text("auto_pad", "SAME_UPPER"))]) { IsDifferentiable = false },
        new("MaxPool rounding up", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("MaxPool", ["x0"], "y", Ints("kernel_shape", 2, 2), Ints("strides", 2, 2), Int("ceil_mode", 1))]) { IsDifferentiable = false },
        new("AveragePool without padding in the count", [[1, 2, 5, 5]], [1, 2, 3, 3], [Node("AveragePool", ["x0"], "y", Ints("kernel_shape", 3, 3), Ints("strides", 2, 2), Ints("pads", 1, 1, 1, 1))]) { IsDifferentiable = false },
        new("Pad by reflection", [[1, 1, 3]], [1, 1, 5], [Node("Pad", ["x0", "pads"], "y", Text("mode", "reflect"))], Longs("pads", [6], 0, 0, 1, 0, 0, 1)) { IsDifferentiable = false },
        new("Slice backwards", [[2, 5]], [2, 5], [Node("Slice", ["x0", "from", "to", "axes", "steps"], "y")], Longs("from", [1], -1), Longs("to", [1], -6), Longs("axes", [1], 1), Longs("steps", [1], -1)) { IsDifferentiable = false },
        new("Slice of two axes", [[4, 5]], [2, 2], [Node("Slice", ["x0", "from", "to", "axes", "steps"], "y")], Longs("from", [2], 1, -4), Longs("to", [2], 3, 99), Longs("axes", [2], 0, 1), Longs("steps", [2], 1, 2)),
        new("Resize by scales", [[1, 2, 3, 4]], [1, 2, 6, 8], [Node("Resize", ["x0", "", "scales"], "y", Text("coordinate_transformation_mode", "asymmetric"), Text("nearest_mode", "floor"))], Floats("scales", [4], 1, 1, 2, 2)),
        new("Resize of named axes", [[1, 2, 3, 4]], [1, 2, 5, 7], [Node("Resize", ["x0", "", "", "sizes"], "y", Ints("axes", 3, 2), Text("mode", "linear"))], Longs("sizes", [2], 7, 5)),
        new("Resize of rounded pixels", [[1, 2, 3, 4]], [1, 2, 5, 4], [Node("Resize", ["x0", "", "", "sizes"], "y")], Longs("sizes", [4], 1, 2, 5, 4)) { IsDifferentiable = false },
        new("Resize, channels last", [[1, 2, 3, 2]], [1, 4, 6, 2], [Node("Resize", ["x0", "", "", "sizes"], "y", Text("coordinate_transformation_mode", "asymmetric"), Text("nearest_mode", "floor"))], Longs("sizes", [4], 1, 4, 6, 2)) { IsDifferentiable = false },
        new("Gather at computed positions, counted from the end", [[4, 3], [5]], [5, 3], [Node("Floor", ["x1"], "f"), Node("Clip", ["f", "min", "max"], "c"), Node("Cast", ["c"], "i", Int("to", 7)), Node("Gather", ["x0", "i"], "y")],
            Floats("min", [], -2), Floats("max", [], 1)),
        new("ReduceSum of all", [[2, 3]], [1, 1], [Node("ReduceSum", ["x0"], "y")]),
        new("Split unevenly", [[2, 5]], [2, 3], [Node("Split", ["x0", "sizes"], ["a", "y"], Int("axis", 1))], Longs("sizes", [2], 2, 3)),
        new("BatchNormalization", [[2, 3, 2]], [2, 3, 2], [Node("BatchNormalization", ["x0", "w", "b", "running_mean", "running_var"], "y")],
            Floats("w", [3], 1, 2, 3), Floats("b", [3], 0.1f, 0.2f, 0.3f), Floats("running_mean", [3], 0.3f, -0.2f, 0), Floats("running_var", [3], 1, 2, 0.5f)),
        new("InstanceNormalization", [[2, 3, 4]], [2, 3, 4], [Node("InstanceNormalization", ["x0", "w", "b"], "y")], Floats("w", [3], 1, 2, 3), Floats("b", [3], 0.1f, 0.2f, 0.3f)),
        new("Selu, Celu and HardSigmoid", [[2, 3]], [2, 3], [Node("Selu", ["x0"], "a"), Node("Celu", ["a"], "b", Float("alpha", 0.5f)), Node("HardSigmoid", ["b"], "y")]),
        new("Mean of several, by Sum and Div", [[2, 3], [3]], [2, 3], [Node("Sum", ["x0", "x1", "x0"], "s"), Node("Div", ["s", "three"], "y")], Floats("three", [], 3)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Read_OfNode_ComputesTheSame(FileRow row)
    {
        var model = row.Model();
        float[][] data = Data(row);

        var graph = OnnxGraph.Read(model);

        float[] actual = GraphRunner.Run([graph.Output], [.. graph.Inputs.Zip(data, (input, values) => (input, (Array)values)), .. Weights(graph)])[0];
        Assert.That(Numbers.RelativeError(actual, GraphRunner.Run(model, data)[0]), Is.LessThan(Tolerance));
        Assert.That(graph.Output.Shape, Is.EqualTo(row.Output));
    }

    [TestCaseSource(nameof(Rows))]
    public void Gradient_OfReadNode_IsRightOrRefused(FileRow row)
    {
        var graph = OnnxGraph.Read(row.Model());
        var loss = Ops.Sum(graph.Output * Value.Of<float>(graph.Output.Shape, Numbers.StandardNormal(graph.Output.Shape.ElementCount, 9)));
        if (!row.IsDifferentiable)
        {
            Assert.That(
                () => Backward.Gradients(loss, graph.Inputs),
                Throws.TypeOf<NotSupportedException>().With.Message.Contains("was read from a file with an operator or settings that have no gradient rule"));
            return;
        }

        const float step = 1e-3f;
        float[][] data = Data(row), direction = [.. data.Select((values, i) => Numbers.StandardNormal(values.Length, (ulong)(30 + i)))];
        double slope = Run(Backward.Gradients(loss, graph.Inputs), 0).Zip(direction, (g, d) => g.Zip(d, (a, b) => (double)a * b).Sum()).Sum();
        double difference = (Run([loss], step)[0][0] - Run([loss], -step)[0][0]) / (2 * step);
        Assert.That(difference, Is.EqualTo(slope).Within(FiniteDifferenceTolerance * Math.Max(1, Math.Abs(slope))));

        float[][] Run(IReadOnlyList<Value> outputs, float by) => GraphRunner.Run(outputs,
        [
            .. graph.Inputs.Select((input, i) => (input, (Array)data[i].Zip(direction[i], (x, d) => x + (by * d)).ToArray())),
            .. Weights(graph),
        ]);
    }

    [Test]
    public void Read_OfRandomOperators_KeepsThemApart()
    {
        var row = new FileRow("random", [[50]], [50], [Node("RandomNormalLike", ["x0"], "a"), Node("RandomNormalLike", ["x0"], "b"), Node("Sub", ["a", "b"], "y")]);
        var model = row.Model();
        model.Proto.Graph.ValueInfo.Add(((string[])["a", "b"]).Select(name =>
        {
            var info = model.Proto.Graph.Output[0].Clone();
            info.Name = name;
            return info;
        }));

        var graph = OnnxGraph.Read(model);

        Assert.That(GraphRunner.Run([graph.Output], [(graph.Inputs[0], new float[50])])[0].Max(MathF.Abs), Is.GreaterThan(0.1));
    }

    [Test]
    public void Read_OfUnknownOperatorInNewerSet_IsRefused()
    {
        var proto = new FileRow("new", [[2]], [2], [Node("Gelu", ["x0"], "y")]).Model().Proto.Clone();
        proto.OpsetImport[0].Version = 20;

        Assert.That(
            () => OnnxGraph.Read(new OnnxModel(proto)),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "Gelu 'Gelu y' cannot be read: the operator is not known, and from operator set 20 it cannot stay as it is in set 18; convert the file to that set with ONNX's version converter."));
    }

    [Test]
    public void Read_OfUnknownOperatorWithoutShape_IsRefused()
    {
        var row = new FileRow("unknown", [[2]], [2], [Node("CumSum", ["x0", "axis"], "a"), Node("Relu", ["a"], "y")], Longs("axis", [], 0));

        Assert.That(
            () => OnnxGraph.Read(row.Model()),
            Throws.TypeOf<InvalidDataException>().With.Message.EqualTo(
                "CumSum 'CumSum a' cannot be read: the operator is not known, and the file does not tell the shape of its result 'a'; add shapes with ONNX's shape inference."));
    }

    [Test]
    public void Inputs_OfModelWithSeveralSymbolicSizes_AreListed()
    {
        var proto = new FileRow("open", [[2, 3]], [2, 3], [Node("Relu", ["x0"], "y")]).Model().Proto.Clone();
        proto.Graph.Input[0].Type.TensorType.Shape.Dim[0] = new TensorShapeProto.Types.Dimension { DimParam = "batch" };
        proto.Graph.Input[0].Type.TensorType.Shape.Dim[1] = new TensorShapeProto.Types.Dimension { DimParam = "length" };

        Assert.That(new OnnxModel(proto).Inputs[0].Shape.ToArray(), Is.EqualTo((long[])[Shape.Batch, Shape.Batch]));
    }

    private static float[][] Data(FileRow row) => [.. row.Inputs.Select((shape, i) => Numbers.StandardNormal(shape.ElementCount, (ulong)(20 + i)))];

    private static IEnumerable<(Value, Array)> Weights(OnnxGraph graph) =>
        graph.Parameters.Select(parameter => (parameter.Current, GraphRunner.ToArray(parameter.Initial)));
}
