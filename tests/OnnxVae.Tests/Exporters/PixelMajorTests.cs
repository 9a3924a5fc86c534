using OnnxVae.Exporters.Autodiff;
using OnnxVae.Exporters.Convolutions;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Passes;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Tests.Exporters;

/// <summary>What is done to images between two convolutions: from the images and another value of the same shape, [N, C, H, W].</summary>
public sealed record BetweenRow(string Name, Func<Value, Value, Value> Build)
{
    public override string ToString() => Name;
}

/// <summary>Operators between convolutions, in rows of pixels against images: values and gradients.</summary>
internal sealed class PixelMajorTests
{
    private const double Tolerance = 1e-5;
    private const long Batch = 3;
    private const long Channels = 16;
    private const long Side = 8;

    private static BetweenRow[] Rows =>
    [
        new("nothing", (x, _) => x),
        new("activation", (x, _) => Tanh(x)),
        new("other images", (x, z) => (x * z) - (0.5f * z)),
        new("images on the left of a difference", (x, z) => z - x),
        new("one minus", (x, _) => x * (1f - x)),
        new("negative", (x, _) => -x * 0.5f),
        new("quotient", (x, _) => x / (2f + Square(x))),
        new("numbers per channel", (x, z) => (x * Reshape(ReduceMean(z, [0, 2, 3]), [Channels, 1, 1])) + Reshape(ReduceMean(z, [0, 2, 3]), [Channels, 1, 1])),
        new("numbers per image and channel", (x, _) => x - ReduceMean(x, [2, 3], keepDimensions: true)),
        new("numbers per image", (x, _) => x * ReduceMean(Square(x), [1, 2, 3], keepDimensions: true)),
        new("sum over channels", (x, _) => x * ReduceSum(x, [1], keepDimensions: true)),
        new("sum over rows of the image", (x, _) => x * ReduceSum(x, [2], keepDimensions: true)),
        new("sums that lose their axes", (x, _) => x * Reshape(ReduceSum(x, [2, 3]), [x.Shape[0], Channels, 1, 1])),
        new("one number for all", (x, _) => x * ReduceMean(Square(x), [0, 1, 2, 3], keepDimensions: true)),
        new("a picture for all", (x, z) => x * ReduceMean(z, [0, 1])),
        new("a row for all", (x, z) => x * ReduceMean(z, [0, 1, 2])),
        new("mask", (x, z) => Where(Greater(x, 0f), x, z)),
        new("clip", (x, _) => Clip(x, -0.5f, 0.5f)),
        new("SiLU", (x, _) => Silu(x)),
        new("group normalization", (x, _) => Reshape(Normalize(Reshape(x, [x.Shape[0], 4, Channels / 4, Side, Side]), [2, 3, 4], 1e-5f), x.Shape)),
        new("batch normalization", (x, _) => Normalize(x, [0, 2, 3], 1e-5f)),
        new("normalization of channels", (x, _) => Normalize(x, [1], 1e-5f)),
        new("scaled normalization", (x, z) => Silu((Normalize(x, [2, 3], 1e-5f) * ReduceMean(z, [2, 3], keepDimensions: true)) + ReduceMean(z, [2, 3], keepDimensions: true))),
        new("residual", (x, z) => Relu(x + z) + x),
        new("two residuals", (x, z) => Silu(Silu(x + z) + x - z) + x),
        new("concatenation and halves", (x, z) => Slice(Concat(1, Tanh(x), z, x), 1, 8, 8 + Channels)),
        new("transposition", (x, _) => Transpose(Tanh(Transpose(x, 0, 2, 3, 1)), 0, 3, 1, 2)),
        new("flattening", (x, _) => Reshape(Softmax(Reshape(x, [x.Shape[0], Channels * Side * Side]), 1), x.Shape)),
        new("up and down", (x, _) => AveragePool(Silu(Up(x)), ConvolutionGeometry.Tiles(Up(x).Shape, [2, 2]))),
        new("up next to full size", (x, z) => AveragePool(Up(x) * Up(z) * Up(x + z), ConvolutionGeometry.Tiles(Up(x).Shape, [2, 2]))),
        new("mean over repeated pixels", (x, _) => x * ReduceMean(Up(x), [2, 3], keepDimensions: true)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void RowsOfPixels_GiveWhatImagesGive(BetweenRow row)
    {
        var (x, z) = (Input("x", [Batch, Channels, Side, Side]), Input("z", [Batch, Channels, Side, Side]));
        var (w1, w2) = (Input("w1", [Channels, Channels, 3, 3]), Input("w2", [Channels, Channels, 3, 3]));
        var geometry = new ConvolutionGeometry([Side, Side], [3, 3], [1, 1], [1, 1], [1, 1]);
        var between = row.Build(Convolution(x, w1, geometry), z);
        var y = Convolution(between, w2, geometry);
        Value[] inputs = [x, z, w1, w2];
        Value[] outputs = [y, .. Backward.Gradients(Mean(Square(y) + y), inputs)];
        (Value, Array)[] data = [.. inputs.Select((input, i) => (input, (Array)Numbers.StandardNormal(input.Shape.ElementCount, (ulong)i + 1).Select(v => 0.5f * v).ToArray()))];

        float[][] expected = GraphRunner.Run(outputs, CompilationTarget.Training with { IsPrecise = true }, data);
        float[][] actual = GraphRunner.Run(outputs, CompilationTarget.Training, data);

        Assert.Multiple(() =>
        {
            for (int i = 0; i < outputs.Length; i++)
            {
                Assert.That(Numbers.RelativeError(actual[i], expected[i]), Is.LessThan(Tolerance), i == 0 ? "y" : $"gradient to {inputs[i - 1].Name}");
            }
        });
    }

    // Without gradients, which need the batch.
    [TestCaseSource(nameof(Rows))]
    public void RowsOfPixels_AtAnyBatch_GiveWhatImagesGive(BetweenRow row)
    {
        var (x, z) = (Input("x", [Shape.Batch, Channels, Side, Side]), Input("z", [Shape.Batch, Channels, Side, Side]));
        var (w1, w2) = (Input("w1", [Channels, Channels, 3, 3]), Input("w2", [Channels, Channels, 3, 3]));
        var geometry = new ConvolutionGeometry([Side, Side], [3, 3], [1, 1], [1, 1], [1, 1]);
        Value[] images = [Convolution(row.Build(Convolution(x, w1, geometry), z), w2, geometry)];
        (Value Input, Array)[] data = [.. new[] { x, z, w1, w2 }.Select((input, i) => (input, (Array)Numbers.StandardNormal(
            input.Shape.ElementCount * (input.Shape.HasBatch ? Batch : 1), (ulong)i + 1).Select(v => 0.5f * v).ToArray()))];

        var rows = PixelMajorPass.Apply(images, new ConvolutionChooser((_, _) => ConvolutionAlgorithm.Winograd2, CompilationGoal.Deployment));
        var model = GraphCompiler.Build("rows", [x, z, w1, w2], [("y", rows[0])]);
        float[] actual = GraphRunner.RunStrictly(model, [.. model.Inputs.Select(input => data.Single(pair => pair.Input.Name == input.Name).Item2)])[0];

        Assert.That(model.OperatorCounts.Keys, Has.None.EqualTo("Conv"));
        Assert.That(Numbers.RelativeError(actual, GraphRunner.Run(images, CompilationTarget.Deployment, data)[0]), Is.LessThan(Tolerance));
    }

    [Test]
    public void PreciseModels_HaveConvolutionsAsDefined()
    {
        var (x, weight) = (Input("x", [2, 32, 16, 16]), Input("weight", [32, 32, 3, 3]));
        var y = Convolution(x, weight, new ConvolutionGeometry([16, 16], [3, 3], [1, 1], [1, 1], [1, 1]));

        bool HasConv(CompilationTarget target) => GraphCompiler.Build("test", [x, weight], [("y", y)], target).OperatorCounts.ContainsKey("Conv");

        Assert.That(HasConv(CompilationTarget.Training), Is.False);
        Assert.That(HasConv(CompilationTarget.Training with { IsPrecise = true }), Is.True);
        Assert.That(HasConv(CompilationTarget.Training with { Provider = "cuda" }), Is.True);
        Assert.That(HasConv(CompilationTarget.Deployment), Is.True);
    }

    // Few channels would gain by an algorithm of their own, but not beside convolutions that stay as they are.
    [TestCase(16, 2)]
    [TestCase(128, 0)]
    public void ServedImages_AreInRows_WhereAConvolutionGains(int channels, int direct)
    {
        var (x, first, second) = (Input("x", [Shape.Batch, 1, 32, 32]), Input("first", [channels, 1, 3, 3]), Input("second", [channels, channels, 3, 3]));
        var geometry = new ConvolutionGeometry([32, 32], [3, 3], [1, 1], [1, 1], [1, 1]);
        var y = Convolution(Convolution(x, first, geometry), second, geometry);

        var model = GraphCompiler.Build("test", [x, first, second], [("y", y)], CompilationTarget.Deployment with { Provider = "cpu" });

        Assert.That(model.OperatorCounts.GetValueOrDefault("Conv"), Is.EqualTo(direct));
    }

    [Test]
    public void ServedImages_AreInRows_WhereATransposedConvolutionHasFewChannels()
    {
        var (x, weight) = (Input("x", [Shape.Batch, 32, 32, 32]), Input("weight", [32, 1, 4, 4]));
        var y = ConvolutionInputGradient(x, weight, new ConvolutionGeometry([64, 64], [4, 4], [2, 2], [1, 1], [1, 1]));

        var model = GraphCompiler.Build("test", [x, weight], [("y", y)], CompilationTarget.Deployment with { Provider = "cpu" });

        Assert.That(model.OperatorCounts.Keys, Has.None.EqualTo("ConvTranspose"));
    }

    private static Value Input(string name, Shape shape) => Value.Input(name, ElementType.Float32, shape);

    private static Value Up(Value x) =>
        Resize(x, [.. new[] { x.Shape[2], x.Shape[3] }.Select(side => new Interpolation(InterpolationMethod.Nearest, PixelGrid.Corner, side, 2 * side))]);
}
