using Microsoft.ML.OnnxRuntime;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Passes;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using TorchSharp;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Exporters;

/// <summary>Batch normalization in files to be deployed.</summary>
internal sealed class ChannelScalesTests
{
    private const double Tolerance = 1e-5;

    [Test]
    public void BatchNormalization_GoesIntoConvolutions([Values] bool withBias, [Values(null, "cpu")] string? provider)
    {
        torch.random.manual_seed(5);
        using var network = Sequential(
            Conv2d(3, 64, 4, stride: 2, padding: 1, bias: withBias), BatchNorm2d(64), ReLU(),
            Conv2d(64, 64, 3, padding: 1, bias: withBias), BatchNorm2d(64), ReLU(),
            ConvTranspose2d(64, 32, 4, stride: 2, padding: 1, bias: withBias), BatchNorm2d(32), ReLU(),
            ConvTranspose2d(32, 6, 4, stride: 2, padding: 1, groups: 2, bias: withBias), BatchNorm2d(6), Sigmoid());
        network.train();
        for (ulong batch = 1; batch <= 3; batch++)
        {
            network.call((Numbers.StandardNormal(8 * 3 * 32 * 32, batch)).ToTorch([8, 3, 32, 32])).Dispose();
        }

        network.eval();
        float[] images = Numbers.StandardNormal(2 * 3 * 32 * 32, 9);
        var model = OnnxExporter.Build(network, [new ModelTensor("input", ElementType.Float32, [Shape.Batch, 3, 32, 32])]);
        model = provider is null ? model : OnnxGraph.Read(model).ToModel(CompilationTarget.Deployment with { Provider = provider });

        float[] actual = GraphRunner.RunStrictly(model, [images])[0];
        using var expected = network.call(images.ToTorch([2, 3, 32, 32]));
        Assert.That(Numbers.RelativeError(actual, expected.ToArray()), Is.LessThan(Tolerance));

        // Of the four only that of a transposed convolution in groups is left.
        Assert.That(Optimized(model).GetValueOrDefault("Mul"), Is.EqualTo(1));
    }

    [Test]
    public void Scales_OfOutputsThatOthersRead_StayBesideThem()
    {
        var (x, weight, scale) = (Input("x", [2, 3, 8, 8]), Input("weight", [4, 3, 3, 3]), Input("scale", [4]));
        var y = Ops.Convolution(x, weight, new ConvolutionGeometry([8, 8], [3, 3], [1, 1], [1, 1], [1, 1]));

        var folded = ChannelScales.Fold([(y * Ops.PerChannel(scale, y)) + y]);

        Assert.That(folded[0].Producer!.Inputs[1], Is.SameAs(y));
        Assert.That(folded[0].Producer!.Inputs[0].Producer!.Inputs[0], Is.SameAs(y));
    }

    // How often each operator runs after ONNX Runtime has computed what is constant.
    private static Dictionary<string, int> Optimized(OnnxModel model)
    {
        using var folder = new TemporaryFolder();
        string file = folder["optimized.onnx"];
        using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC, OptimizedModelFilePath = file };
        new InferenceSession(model.ToBytes(), options).Dispose();
        return OnnxModel.Load(file).OperatorCounts.ToDictionary();
    }

    private static Value Input(string name, Shape shape) => Value.Input(name, ElementType.Float32, shape);
}
