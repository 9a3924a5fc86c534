using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Tests.Support;

namespace OnnxVae.Tests.Exporters;

/// <summary>Files that others wrote: networks of PyTorch's, with a fixed and with an open batch, single operators, and files that are invalid.</summary>
internal sealed class ForeignFilesTests
{
    private const double ForwardTolerance = 1e-5;
    private const double HalfTolerance = 2e-3;
    private const double SlopeTolerance = 1e-2;
    private const int Rows = 3;

    private static string Folder => Path.Combine(Repository.Root, "tests/OnnxVae.Tests/Fixtures");

    private static IEnumerable<string> Networks => FilesIn("pytorch");

    private static IEnumerable<string> Files => FilesIn("onnx").Where(file => !IsInvalid(file) && !file.Contains("maxpool_large", StringComparison.Ordinal));

    private static IEnumerable<string> InvalidFiles => FilesIn("onnx").Where(IsInvalid);

    [TestCaseSource(nameof(Networks))]
    [TestCaseSource(nameof(Files))]
    public void Read_ComputesWhatOnnxRuntimeDoes(string file)
    {
        var model = OnnxModel.Load(Path.Combine(Folder, file));
        var graph = OnnxGraph.Read(model);
        float[][] data = Data(graph);

        float[] expected = GraphRunner.Run(model, data)[0];

        double tolerance = file.Contains("half.onnx", StringComparison.Ordinal) ? HalfTolerance : ForwardTolerance;
        Assert.That(Numbers.RelativeError(GraphRunner.Run([graph.Outputs[0].Value], [.. Named(graph.Inputs, data), .. Weights(graph, 0)])[0], expected), Is.LessThan(tolerance));
        Assert.That(Numbers.RelativeError(GraphRunner.Run(graph.ToModel(), data)[0], expected), Is.LessThan(tolerance), "written again");
    }

    [TestCaseSource(nameof(Networks))]
    [TestCaseSource(nameof(Files))]
    public void Gradient_IsThatOfFiniteDifferences(string file)
    {
        var graph = OnnxGraph.Read(OnnxModel.Load(Path.Combine(Folder, file)), batch: Rows);
        float[][] data = Data(graph);
        var output = graph.Outputs[0].Value;
        var loss = Ops.Sum(output * Value.Of<float>(output.Shape, Numbers.StandardNormal(output.Shape.ElementCount, 9)));
        Value[] trained = [.. graph.Parameters.Select(parameter => parameter.Current)];
        Value[] targets = trained.Length > 0 ? trained : [.. graph.Inputs];

        float[][] gradients = GraphRunner.Run(Backward.Gradients(loss, targets), [.. Named(graph.Inputs, data), .. Weights(graph, 0)]);

        // Where a step crosses a kink, a smaller one does not.
        double slope = gradients.Zip(targets, (gradient, target) => gradient.Zip(Direction(target), (g, d) => (double)g * d).Sum()).Sum();
        double[] differences = [.. ((float[])[3e-3f, 1e-3f, 3e-4f]).Select(step => (LossAt(step) - LossAt(-step)) / (2 * step))];
        Assert.That(gradients.Any(gradient => gradient.Any(number => number != 0)), "a gradient");
        Assert.That(differences.Min(difference => Math.Abs(difference - slope)), Is.LessThan(SlopeTolerance * Math.Max(1, Math.Abs(slope))), $"{slope} and {string.Join(", ", differences)}");

        double LossAt(float step) => GraphRunner.Run([loss],
        [
            .. Named(graph.Inputs, trained.Length > 0 ? data : [.. graph.Inputs.Zip(data, (input, values) => Moved(values, input, step))]),
            .. Weights(graph, step),
        ])[0][0];
    }

    [TestCaseSource(nameof(InvalidFiles))]
    public void Read_OfWhatIsInvalid_NamesTheNodeAndTheReason(string file)
    {
        var path = Path.Combine(Folder, file);

        var exception = Assert.Throws<InvalidDataException>(() => OnnxGraph.Read(OnnxModel.Load(path), batch: 2))!;

        TestContext.Out.WriteLine(exception.Message);
        Assert.That(exception.Message, Does.EndWith(".").And.Matches(@"cannot be read: |the file is damaged"));
        Assert.That(exception.Message, Does.Not.Contain("Parameter '").And.Not.Contain("Exception").And.Not.Contain("Object reference"));
    }

    private static bool IsInvalid(string file) => Path.GetFileName(file).StartsWith("bad_", StringComparison.Ordinal) || file.Contains("shape_div_zero", StringComparison.Ordinal);

    private static IEnumerable<string> FilesIn(string folder) => Directory.EnumerateFiles(Path.Combine(Folder, folder), "*.onnx")
        .Select(file => Path.Combine(folder, Path.GetFileName(file))).Order(StringComparer.Ordinal);

    // As many rows as the file says, or Rows where the batch is open.
    private static float[][] Data(OnnxGraph graph) => [.. graph.Inputs.Select((input, i) =>
        Numbers.StandardNormal(input.Shape.Select(size => size < 0 ? Rows : size).Aggregate(1L, (product, size) => product * size), (ulong)(i + 1)))];

    private static IEnumerable<(Value, Array)> Named(IEnumerable<Value> inputs, float[][] data) => inputs.Zip(data, (input, values) => (input, (Array)values));

    private static IEnumerable<(Value, Array)> Weights(OnnxGraph graph, float step) =>
        graph.Parameters.Select(parameter => (parameter.Current, (Array)Moved(parameter.Initial.As<float>().ToArray(), parameter.Current, step)));

    private static float[] Moved(float[] values, Value target, float step) => [.. values.Zip(Direction(target), (value, d) => value + (step * d))];

    private static float[] Direction(Value target) => Numbers.StandardNormal(target.Shape.ElementCount, (ulong)target.Name!.Sum(letter => letter));
}
