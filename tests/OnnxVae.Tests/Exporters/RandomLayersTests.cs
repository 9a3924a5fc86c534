using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Tests.Support;
using TorchSharp;
using static TorchSharp.torch.nn;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace OnnxVae.Tests.Exporters;

/// <summary>A layer that draws at random in training, the shape of what it draws, and its definition: input and uniform numbers to output.</summary>
public sealed record RandomLayerRow(string Name, Func<LayerModule> Build, Shape Input, Shape Noise, Func<torch.Tensor, torch.Tensor, torch.Tensor> Definition)
{
    public override string ToString() => Name;
}

/// <summary>Layers that draw at random in training: their definition under the same noise, libtorch's moments under its own.</summary>
internal sealed class RandomLayersTests
{
    private const double Tolerance = 1e-5;
    private const double MomentTolerance = 0.02;
    private const double P = 0.3;
    private const double SeluLowest = -1.7580993408473766;

    public static IEnumerable<Type> Layers => Rows.Select(row => row.Build().GetType());

    private static RandomLayerRow[] Rows =>
    [
        new("Dropout", () => Dropout(P), [200, 20, 10], [200, 20, 10], Dropped),
        new("Dropout1d", () => Dropout1d(P), [200, 200, 2], [200, 200, 1], Dropped),
        new("Dropout2d", () => Dropout2d(P), [200, 200, 2, 1], [200, 200, 1, 1], Dropped),
        new("Dropout3d", () => Dropout3d(P), [200, 200, 2, 1, 1], [200, 200, 1, 1, 1], Dropped),
        new("AlphaDropout", () => AlphaDropout(P), [200, 20, 10], [200, 20, 10], AlphaDropped),
        new("FeatureAlphaDropout", () => FeatureAlphaDropout(P), [200, 200, 2], [200, 200, 1], AlphaDropped),
        new("RReLU", () => RReLU(0.1, 0.6), [200, 20, 10], [200, 20, 10], (x, u) => torch.where(x > 0, x, (0.1 + (0.5 * u)) * x)),
    ];

    [TestCaseSource(nameof(Rows))]
    public void Layer_InTraining_ComputesItsDefinition(RandomLayerRow row)
    {
        var (x, u) = (Numbers.StandardNormal(row.Input.ElementCount, 5), Uniform(row.Noise));

        float[] actual = Run(row, x, u);

        using var expected = row.Definition(x.ToTorch(row.Input), u.ToTorch(row.Noise));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(Tolerance));
    }

    [TestCaseSource(nameof(Rows))]
    public void Layer_InTraining_HasTorchsMoments(RandomLayerRow row)
    {
        torch.random.manual_seed(3);
        float[] x = Numbers.StandardNormal(row.Input.ElementCount, 5);
        using var layer = row.Build();

        float[] actual = Run(row, x, Uniform(row.Noise));

        using var expected = layer.call(x.ToTorch(row.Input));
        Assert.That(actual.Average(), Is.EqualTo(expected.mean().item<float>()).Within(MomentTolerance));
        Assert.That(actual.Average(y => y * y), Is.EqualTo(expected.square().mean().item<float>()).Within(5 * MomentTolerance));
        Assert.That(actual.Average(MathF.Abs), Is.EqualTo(expected.abs().mean().item<float>()).Within(MomentTolerance));
    }

    [TestCaseSource(nameof(Rows))]
    public void Export_InEvaluation_NeedsNoNoise(RandomLayerRow row)
    {
        using var layer = row.Build();
        float[] x = Numbers.StandardNormal(row.Input.ElementCount, 5);

        var model = OnnxExporter.Build(Sequential(layer), [new ModelTensor("input", ElementType.Float32, row.Input)]);

        layer.eval();
        using var expected = layer.call(x.ToTorch(row.Input));
        Assert.That(model.Inputs, Has.Count.EqualTo(1));
        Assert.That(GraphRunner.RunStrictly(model, [x])[0], Is.EqualTo(expected.ToArray()).Within(Tolerance));
    }

    private static float[] Run(RandomLayerRow row, float[] x, float[] u)
    {
        using var layer = row.Build();
        var model = OnnxExporter.Build(
            Sequential(("random", layer)), [new ModelTensor("input", ElementType.Float32, row.Input)], new OnnxExportOptions { Training = true });
        Assert.That(model.Inputs.Select(input => (input.Name, input.Shape)), Is.EqualTo(((string, Shape)[])[("input", row.Input), ("random.uniform", row.Noise)]));
        return GraphRunner.RunStrictly(model, [x, u])[0];
    }

    private static float[] Uniform(Shape shape)
    {
        var numbers = new float[shape.ElementCount];
        Philox.FillUniform(numbers, seed: 7, stream: 0, position: 0);
        return numbers;
    }

    private static torch.Tensor Dropped(torch.Tensor x, torch.Tensor u) => torch.where(u >= P, x / (1 - P), torch.zeros(1));

    // a (kept x + dropped lowest) + b keeps mean 0 and variance 1.
    private static torch.Tensor AlphaDropped(torch.Tensor x, torch.Tensor u)
    {
        double a = 1 / Math.Sqrt((1 - P) * (1 + (P * SeluLowest * SeluLowest)));
        return (a * torch.where(u >= P, x, torch.full(1, (float)SeluLowest))) - (a * P * SeluLowest);
    }
}
