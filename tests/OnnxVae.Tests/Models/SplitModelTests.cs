using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Runtime;
using GraphProgram = OnnxVae.Exporters.Programs.Program;

namespace OnnxVae.Tests.Models;

/// <summary>The steps of models on batches in parts: gradients and statistics are those of the whole batch.</summary>
internal sealed class SplitModelTests
{
    private const int Batch = 8, Parts = 2;
    private const double Tolerance = 1e-5;

    [TestCase("mlp")]
    [TestCase("conv")]
    [TestCase("residual")]
    public void Vae_InParts_HasTheGradientsOfTheWholeBatch(string network)
    {
        var image = new ExampleShape(1, 16, 16);
        using var networks = new VaeNetworks(network switch
        {
            "mlp" => new MlpNetwork(20),
            "conv" => new ConvNetwork { Channels = [8, 8], Dense = 20 },
            _ => new ResidualNetwork { Channels = 8 },
        }, image, latents: 3, seed: 1);
        Compare(rows => new PackageCompiler(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()), Options(rows)), image);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void VqVae_InParts_HasTheGradientsAndCodebooksOfTheWholeBatch(bool isMovingAverage)
    {
        var image = new ExampleShape(1, 16, 16);
        using var networks = new VqVaeNetworks(new QuantizedNetwork { Channels = 8, ResidualChannels = 4, ResidualBlocks = 1 }, image, dimension: 4, hasTop: true, seed: 1);
        Compare(rows => new PackageCompiler(
            new VqVaeModel(networks, new GaussianLikelihood(0.5f, PixelMean.Identity), Codebook("bottom"), Codebook("top")), Options(rows)), image);

        Codebook Codebook(string level) => isMovingAverage ? new MovingAverageCodebook(level, 4, 4) : new TrainedCodebook(level, 4, 4);
    }

    private static TrainingOptions Options(int rows) => new() { BatchSize = rows, Optimizer = new Adam(new ConstantSchedule(1e-3)), MaxGradientNorm = 5 };

    private static void Compare(Func<int, PackageCompiler> compile, ExampleShape image)
    {
        var (whole, split) = (compile(Batch).Step(), compile(Batch / Parts).SplitStep(Batch / Parts));
        byte[] images = new byte[Batch * image.Dimensions];
        new Random(1).NextBytes(images);
        using var fused = new ProgramRunner(whole.Compile(), OnnxDevice.Cpu, threads: 2);
        using var gradients = new ProgramRunner(split.Gradients.Compile(), OnnxDevice.Cpu, threads: 2);
        using var apply = new ProgramRunner(split.Apply.Compile(), OnnxDevice.Cpu, threads: 2);
        var start = Used(fused.States);
        Load(fused, start);
        Load(gradients, start);
        Load(apply, start);

        fused.FillSchedules(1);
        images.CopyTo(fused.Input<byte>("images"));
        FillNoise(whole, fused, part: 0, parts: 1);
        fused.Run();
        var contributions = split.Gradients.Metrics.Where(metric => metric.Role is MetricRole.MeanOverParts or MetricRole.SumOverParts or MetricRole.OfFirstPart).ToArray();
        for (int part = 0; part < Parts; part++)
        {
            gradients.FillSchedules(1);
            images.AsSpan(part * images.Length / Parts, images.Length / Parts).CopyTo(gradients.Input<byte>("images"));
            FillNoise(split.Gradients, gradients, part, Parts);
            gradients.Run();
            foreach (var metric in contributions)
            {
                float weight = metric.Role == MetricRole.MeanOverParts ? 1f / Parts : metric.Role == MetricRole.SumOverParts || part == 0 ? 1 : 0;
                var total = apply.Input<float>(metric.Name);
                var value = gradients.Metric(metric.Name);
                for (int i = 0; i < total.Length; i++)
                {
                    total[i] = (part == 0 ? 0 : total[i]) + (weight * value[i]);
                }
            }
        }

        apply.FillSchedules(1);
        apply.Run();

        var (expected, actual) = (fused.States.Snapshot(), apply.States.Snapshot());
        Assert.Multiple(() =>
        {
            foreach (var (name, state) in actual.Where(state => state.Value.Type == ElementType.Float32))
            {
                Assert.That(Numbers.RelativeError(state.As<float>().ToArray(), expected[name].As<float>().ToArray()), Is.LessThan(name.StartsWith("adam.m", StringComparison.Ordinal) ? Tolerance : 20 * Tolerance), name);
            }
        });
        Assert.That(actual.Keys.Count(name => name.StartsWith("adam.m.", StringComparison.Ordinal)), Is.Positive);
    }

    // Codes that are in use, so that none is replaced by a vector of the first part.
    private static Dictionary<string, Tensor> Used(StateBuffers states) => states.Snapshot().ToDictionary(state => state.Key, state =>
        state.Key.StartsWith("codebook", StringComparison.Ordinal) && !state.Key.StartsWith("adam", StringComparison.Ordinal)
            ? Tensor.From<float>(state.Value.Shape, state.Key.EndsWith("counts", StringComparison.Ordinal)
                ? [.. Enumerable.Repeat(30f, (int)state.Value.Shape.ElementCount)] : Numbers.StandardNormal((int)state.Value.Shape.ElementCount, 7))
            : state.Value);

    private static void Load(ProgramRunner runner, Dictionary<string, Tensor> states) => runner.States.Load(states);

    // The rows of a part are those of the whole batch.
    private static void FillNoise(GraphProgram program, ProgramRunner runner, int part, int parts)
    {
        foreach (var input in program.Compile().Spec.Inputs.Where(input => input.Role is InputRole.StandardNormal or InputRole.Uniform))
        {
            bool isOfRows = input.Shape[0] == Batch / parts;
            long count = input.Shape.ElementCount;
            float[] all = Numbers.StandardNormal((int)(isOfRows ? count * parts : count), 3);
            if (input.Role == InputRole.Uniform)
            {
                all = [.. all.Select(value => 0.5f + (0.4f * MathF.Tanh(value)))];
            }

            all.AsSpan(isOfRows ? (int)(part * count) : 0, (int)count).CopyTo(runner.Input<float>(input.Name));
        }
    }
}
