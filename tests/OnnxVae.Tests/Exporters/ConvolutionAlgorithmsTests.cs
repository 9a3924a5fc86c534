using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;

namespace OnnxVae.Tests.Exporters;

/// <summary>A convolution to be computed with every algorithm that fits.</summary>
public sealed record ConvolutionRow(
    string Name, long Batch, long Channels, long Kernels, long[] Image, long[] Kernel, long[] Strides, long[] Padding, long[]? Dilations = null)
{
    public ConvolutionGeometry Geometry => new([.. Image], [.. Kernel], [.. Strides], [.. Padding], [.. Dilations ?? [1, 1]]);

    public override string ToString() => Name;
}

/// <summary>Every algorithm of a convolution against libtorch: forward and both gradients.</summary>
internal sealed class ConvolutionAlgorithmsTests
{
    private const double Tolerance = 1e-5;
    private const double SameForm = 2e-6; // the tiles may be cut into other chunks

    private static ConvolutionRow[] Convolutions =>
    [
        new("3x3", 2, 16, 16, [8, 8], [3, 3], [1, 1], [1, 1]),
        new("3x3, ragged", 3, 5, 7, [9, 11], [3, 3], [1, 1], [1, 1]),
        new("3x3 without padding", 2, 6, 5, [10, 7], [3, 3], [1, 1], [0, 0]),
        new("3x3 with much padding", 2, 4, 6, [5, 6], [3, 3], [1, 1], [2, 1]),
        new("3x3 in several chunks", 16, 64, 64, [16, 16], [3, 3], [1, 1], [1, 1]),
        new("3x3 with many kernels", 2, 8, 130, [8, 8], [3, 3], [1, 1], [1, 1]),
        new("4x4 with stride 2", 2, 8, 16, [16, 16], [4, 4], [2, 2], [1, 1]),
        new("4x4 with stride 2, ragged", 3, 5, 6, [13, 10], [4, 4], [2, 2], [1, 1]),
        new("4x4 with stride 2 without padding", 2, 5, 6, [10, 12], [4, 4], [2, 2], [0, 0]),
        new("4x4 with stride 2 in several chunks", 32, 32, 48, [32, 32], [4, 4], [2, 2], [1, 1]),
        new("2x2 with stride 2", 2, 8, 9, [8, 12], [2, 2], [2, 2], [0, 0]),
        new("4x4 with stride 2, longer than wide", 2, 4, 6, [16, 14], [4, 4], [2, 2], [1, 1]),
        new("4x4 with stride 2, wider than long", 2, 4, 6, [14, 16], [4, 4], [2, 2], [1, 1]),
        new("4x4 with stride 2 and much padding", 2, 4, 6, [16, 16], [4, 4], [2, 2], [3, 3]),
        new("6x6 with stride 2", 2, 4, 6, [16, 16], [6, 6], [2, 2], [3, 3]),
        new("6x6 with stride 3", 2, 4, 5, [12, 15], [6, 6], [3, 3], [2, 2]),
        new("6x6 with stride 3 on larger images", 2, 4, 5, [24, 24], [6, 6], [3, 3], [2, 2]),
        new("1x1", 2, 8, 12, [5, 4], [1, 1], [1, 1], [0, 0]),
        new("one channel", 3, 1, 8, [10, 10], [4, 4], [2, 2], [1, 1]),
        new("three channels, ragged", 2, 3, 8, [9, 7], [4, 4], [2, 2], [1, 1]),
        new("three channels, tall kernel, gaps", 2, 3, 5, [11, 9], [3, 2], [1, 2], [1, 0], [2, 1]),
        new("one kernel", 3, 8, 1, [8, 9], [3, 3], [1, 1], [1, 1]),
        new("three kernels without padding", 2, 8, 3, [7, 6], [3, 3], [1, 1], [0, 0]),
    ];

    private static IEnumerable<TestCaseData> Rows =>
        from row in Convolutions
        from algorithm in Enum.GetValues<ConvolutionAlgorithm>()
        where algorithm != ConvolutionAlgorithm.Direct && ConvolutionChooser.Supports(algorithm, new ConvolutionShape(row.Geometry, row.Batch, row.Channels, row.Kernels))
        select new TestCaseData(row, algorithm).SetArgDisplayNames(row.Name, $"{algorithm}");

    [Test]
    public void Rows_CoverEveryForm() => Assert.That(
        Rows.Select(row => row.Arguments[1]).Distinct(), Is.EquivalentTo(Enum.GetValues<ConvolutionAlgorithm>().Where(algorithm => algorithm != ConvolutionAlgorithm.Direct)));

    [TestCaseSource(nameof(Rows))]
    public void Algorithm_EqualsTorch_InAllThreeMaps(object convolution, object convolutionAlgorithm)
    {
        var (row, algorithm) = ((ConvolutionRow)convolution, (ConvolutionAlgorithm)convolutionAlgorithm);
        var geometry = row.Geometry;
        var (x, weight, dy) = (
            Value.Input("x", ElementType.Float32, [row.Batch, row.Channels, .. row.Image]),
            Value.Input("weight", ElementType.Float32, [row.Kernels, row.Channels, .. row.Kernel]),
            Value.Input("dy", ElementType.Float32, [row.Batch, row.Kernels, .. geometry.OutputSize]));
        float[][] data = [.. new[] { x, weight, dy }.Select((input, i) => Numbers.StandardNormal(input.Shape.ElementCount, (ulong)i + 1))];

        var rows = ConvolutionChooser.Create(algorithm, new ConvolutionShape(geometry, row.Batch, row.Channels, row.Kernels), PixelOrder.RowMajor)!;
        var (images, gradient) = (LayoutValue.Of(x), LayoutValue.Of(dy));
        float[][] actual = GraphRunner.Run(
            [rows.Convolve(images, weight).Images, rows.InputGradient(gradient, weight).Images, rows.WeightGradient(images, gradient)],
            (x, data[0]), (weight, data[1]), (dy, data[2]));

        using var scope = torch.NewDisposeScope();
        var (torchX, torchWeight) = (data[0].ToTorch(x.Shape).requires_grad_(), data[1].ToTorch(weight.Shape).requires_grad_());
        var y = torch.nn.functional.conv2d(
            torchX, torchWeight, strides: [.. geometry.Strides], padding: [.. geometry.Padding], dilation: [.. geometry.Dilations]);
        y.backward([data[2].ToTorch(dy.Shape)]);
        Assert.Multiple(() =>
        {
            Assert.That(Numbers.RelativeError(actual[0], y.ToArray()), Is.LessThan(Tolerance), "convolution");
            Assert.That(Numbers.RelativeError(actual[1], torchX.grad!.ToArray()), Is.LessThan(Tolerance), "input gradient");
            Assert.That(Numbers.RelativeError(actual[2], torchWeight.grad!.ToArray()), Is.LessThan(Tolerance), "weight gradient");
        });
    }

    [TestCaseSource(nameof(Rows))]
    public void Algorithm_AtAnyBatch_GivesWhatItGivesAtAKnownOne(object convolution, object convolutionAlgorithm)
    {
        var (row, algorithm) = ((ConvolutionRow)convolution, (ConvolutionAlgorithm)convolutionAlgorithm);
        var weight = Value.Input("weight", ElementType.Float32, [row.Kernels, row.Channels, .. row.Kernel]);
        float[] weights = Numbers.StandardNormal(weight.Shape.ElementCount, 1);
        float[] images = Numbers.StandardNormal(row.Batch * row.Channels * row.Image.Product(), 2);
        float[] outputs = Numbers.StandardNormal(row.Batch * row.Kernels * row.Geometry.OutputSize.Product(), 3);

        var (known, open) = (Run(row.Batch), Run(Format.Shape.Batch));

        Assert.That(Numbers.RelativeError(open[0], known[0]), Is.LessThan(SameForm), "convolution");
        Assert.That(Numbers.RelativeError(open[1], known[1]), Is.LessThan(SameForm), "input gradient");

        float[][] Run(long batch)
        {
            var x = Value.Input("x", ElementType.Float32, [batch, row.Channels, .. row.Image]);
            var dy = Value.Input("dy", ElementType.Float32, [batch, row.Kernels, .. row.Geometry.OutputSize]);
            var rows = ConvolutionChooser.Create(algorithm, new ConvolutionShape(row.Geometry, batch, row.Channels, row.Kernels), PixelOrder.RowMajor)!;
            return GraphRunner.Run(
                [rows.Convolve(LayoutValue.Of(x), weight).Images, rows.InputGradient(LayoutValue.Of(dy), weight).Images],
                (x, images), (dy, outputs), (weight, weights));
        }
    }

    [TestCase(2, 2)]
    [TestCase(2, 3)]
    [TestCase(3, 2)]
    [TestCase(3, 3)]
    [TestCase(4, 2)]
    [TestCase(4, 3)]
    [TestCase(4, 5)]
    public void CookToom_IsTheCorrelation(int outputs, int taps)
    {
        var random = new Random(1);
        var transform = new CookToom(outputs, taps);
        double[] d = [.. Enumerable.Range(0, transform.Multiplications).Select(_ => random.NextDouble())];
        double[] g = [.. Enumerable.Range(0, taps).Select(_ => random.NextDouble())];

        double[] products = [.. Apply(transform.KernelTransform, g).Zip(Apply(transform.InputTransform, d), (a, b) => a * b)];
        double[] y = Apply(transform.OutputTransform, products);

        double[] expected = [.. Enumerable.Range(0, outputs).Select(i => Enumerable.Range(0, taps).Sum(k => d[i + k] * g[k]))];
        Assert.That(y, Is.EqualTo(expected).Within(1e-12));

        static double[] Apply(double[,] matrix, double[] vector) =>
            [.. Enumerable.Range(0, matrix.GetLength(0)).Select(i => Enumerable.Range(0, vector.Length).Sum(j => matrix[i, j] * vector[j]))];
    }

    [TestCase("3x3 s1 p1", 16, 32, 32, ConvolutionAlgorithm.Winograd4)]
    [TestCase("twice the batch", 40, 32, 32, ConvolutionAlgorithm.Winograd4)]
    [TestCase("much smaller", 2, 4, 8, ConvolutionAlgorithm.Direct)]
    public void CostTable_TakesWhatWasFastestNearby(string name, int batch, int size, int channels, object expected)
    {
        var table = new CostTable("test",
        [
            new(3, 1, 32, 16, 32, 32, new Dictionary<ConvolutionAlgorithm, double> { [ConvolutionAlgorithm.Direct] = 3, [ConvolutionAlgorithm.Winograd4] = 2 }),
            new(3, 1, 4, 2, 8, 8, new Dictionary<ConvolutionAlgorithm, double> { [ConvolutionAlgorithm.Direct] = 1, [ConvolutionAlgorithm.Winograd4] = 2 }),
        ]);

        Assert.That(table.Fastest(Shape(batch, size, channels, kernel: 3)), Is.EqualTo(expected), name);
    }

    // Forms for devices: patches, in parts where a batch of them is large, and a tap at a time.
    [Test]
    public void WeightGradients_WithoutLargeKernels_EqualTheConvolution([Values(1, 2)] int groups, [Values(1, 2)] int stride, [Values(1, 3)] int channels)
    {
        long kernels = 4 * groups;
        var geometry = new ConvolutionGeometry([9, 8], [3, 2], [stride, 1], [1, 0], [1, 2], groups);
        Value x = Value.Input("x", ElementType.Float32, [5, channels * groups, 9, 8]), dy = Value.Input("dy", ElementType.Float32, [5, kernels, .. geometry.OutputSize]);
        (Value, Array)[] data = [(x, Numbers.StandardNormal(x.Shape.ElementCount, 1)), (dy, Numbers.StandardNormal(dy.Shape.ElementCount, 2))];

        float[] expected = GraphRunner.Run([WeightGradientAsConvolution.Compute(x, dy, geometry)], data)[0];

        foreach (var form in (Value[])[
            WeightGradientByPatches.OfImages(x, dy, geometry, long.MaxValue), WeightGradientByPatches.OfImages(x, dy, geometry, 2000), WeightGradientByTaps.Compute(x, dy, geometry)])
        {
            Assert.That(Numbers.RelativeError(GraphRunner.Run([form], data)[0], expected), Is.LessThan(Tolerance));
        }
    }

    [TestCase("cuda")]
    [TestCase("webgpu")]
    public void WeightGradient_OnDevices_HasNoLargeKernel(string provider)
    {
        foreach (var (size, channels, groups) in ((long, long, long)[])[(28, 1, 1), (64, 64, 1), (64, 64, 64), (1024, 16, 1)])
        {
            Value x = Value.Input("x", ElementType.Float32, [2, channels, size, size]), dy = Value.Input("dy", ElementType.Float32, [2, channels, size, size]);
            var geometry = new ConvolutionGeometry([size, size], [5, 5], [1, 1], [2, 2], [1, 1], (int)groups);
            var model = GraphCompiler.Build("dw", [x, dy], [("dw", Ops.ConvolutionWeightGradient(x, dy, geometry))], CompilationTarget.Training with { Provider = provider });
            Assert.That(model.OperatorCounts.Keys, Has.No.Member("Conv"), $"{size} {channels} {groups}");
        }
    }

    [Test]
    public void CostTable_OfUnknownKernel_IsDirect() =>
        Assert.That(CostTable.For("cpu", CostTable.Use.Training)!.Fastest(Shape(16, 32, 32, kernel: 7)), Is.EqualTo(ConvolutionAlgorithm.Direct));

    [Test]
    public void CostTable_IsNotMadeUp_ForOtherDevices() =>
        Assert.That(CostTable.ChoiceFor(CompilationTarget.Training with { Provider = "cuda" }), Is.Null);

    [Test]
    public void CostTable_OfTheProcessor_NamesOnlyFormsThatFit([Values] CostTable.Use use)
    {
        var table = CostTable.For("cpu", use)!;
        Assert.That(table.Cases, Is.Not.Empty);
        Assert.That(table.Device, Is.Not.Empty);
        foreach (var known in table.Cases)
        {
            int padding = (known.Kernel - known.Stride + 1) / 2;
            long size = known.Size * known.Stride;
            var geometry = new ConvolutionGeometry([size, size], [known.Kernel, known.Kernel], [known.Stride, known.Stride], [padding, padding], [1, 1]);
            Assert.That(known.Milliseconds.Keys.All(algorithm => ConvolutionChooser.Supports(algorithm, new ConvolutionShape(geometry, known.Batch, known.Channels, known.Kernels))), $"{known}");
        }
    }

    private static ConvolutionShape Shape(int batch, int size, int channels, int kernel) =>
        new(new ConvolutionGeometry([size, size], [kernel, kernel], [1, 1], [kernel / 2, kernel / 2], [1, 1]), batch, channels, channels);
}
