using OnnxVae.Cli.Runs;
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
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Runtime;
using OnnxVae.Training.Steps;

namespace OnnxVae.Tests.Training;

/// <summary>
/// The same steps in every form: one program, two programs, four accumulated parts, two and four processes over MPI. Gradients are what one step changes in Adam's first
/// moments: m -> 0.9 m + 0.1 g.
/// </summary>
internal sealed class PartsTests : FolderFixture
{
    private const int Batch = 32, Parts = 4, Steps = 50, Side = 16, Images = 400, WarmUp = 100;
    private const double GradientTolerance = 1e-5, LossTolerance = 1e-4, WeightTolerance = 1e-3;
    private const ulong Seed = 1;

    [TestCase("mlp")]
    [TestCase("conv")]
    [TestCase("residual")]
    [TestCase("vqvae2")]
    public void EveryForm_TakesTheSameSteps(string model)
    {
        WriteSprites();
        var images = new DataOptions { Data = Folder["images.npy"] }.Open(Seed).Train;
        var (whole, parts) = Compile(model);
        StartWarm(whole, parts, images);
        var fused = Take(whole, images, states => new FusedStepRunner(whole, states, threads: 2));

        Compare("split", fused, Take(whole, images, states => new SplitStepRunner(whole, new BatchPlan(Batch, Batch, 1), states, threads: 2, ProcessGroup.Single)));
        Compare("accumulated", fused, Take(parts, images, states => new SplitStepRunner(parts, BatchPlan.For(parts, Parts), states, threads: 2, ProcessGroup.Single)));
        foreach (int ranks in (int[])[2, 4])
        {
            Compare($"{ranks} ranks", fused, TakeOverMpi(parts, ranks));
        }
    }

    // Up to the first step at which a vector chooses another code: rounding decides between codes that are equally near, and nothing afterwards is the same.
    private static void Compare(string form, Trace expected, Trace actual)
    {
        int same = Enumerable.Range(0, Steps).TakeWhile(step => Math.Abs(actual.Losses[step] - expected.Losses[step]) <= LossTolerance * Math.Abs(expected.Losses[step])).Count();
        bool haveSameCodes = expected.Last.Where(state => state.Key.EndsWith(".counts", StringComparison.Ordinal))
            .All(state => Numbers.RelativeError(actual.Last[state.Key].As<float>().ToArray(), state.Value.As<float>().ToArray()) < GradientTolerance);
        TestContext.Out.WriteLine(haveSameCodes ? $"{form}: the losses of {same} of {Steps} steps agree" : $"{form}: codes differ, the losses of {same} of {Steps} steps agree");
        Assert.Multiple(() =>
        {
            foreach (var (name, state) in expected.First.Where(state => state.Key.StartsWith("adam.m.", StringComparison.Ordinal)))
            {
                Assert.That(Numbers.RelativeError(actual.GradientOf(name), expected.GradientOf(name)), Is.LessThan(GradientTolerance), $"{form}, {name}");
            }

            Assert.That(same, haveSameCodes ? Is.EqualTo(Steps) : Is.AtLeast(2), form);
            if (haveSameCodes)
            {
                foreach (var (name, state) in expected.Last.Where(state => !state.Key.StartsWith("adam.", StringComparison.Ordinal)))
                {
                    Assert.That(Numbers.RelativeError(actual.Last[name].As<float>().ToArray(), state.As<float>().ToArray()), Is.LessThan(WeightTolerance), $"{form}, {name}");
                }
            }
        });
    }

    private static Trace Take(TrainingPackage package, ImageSource images, Func<StateBuffers, IStepRunner> load)
    {
        using var states = new StateBuffers(package, OnnxDevice.Cpu, package.Manifest.Step.Updates);
        states.Load(package.ReadInitialStates());
        using var runner = load(states);
        var batches = runner.Prepare(images, Seed, 1, Steps, augmentation: null);
        var losses = new List<double>();
        IReadOnlyDictionary<string, Tensor>? first = null;
        for (int step = 1; step <= Steps; step++)
        {
            runner.Run(batches, step, withMetrics: true, stop: false);
            losses.Add(runner.Metric("loss"));
            first ??= states.Snapshot();
        }

        batches.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return new Trace(losses, package.ReadInitialStates(), first!, states.Snapshot());
    }

    private Trace TakeOverMpi(TrainingPackage package, int ranks)
    {
        var run = new RunFolder(Folder[$"ranks-{ranks}"]);
        Mpi.Succeed(Mpi.Open, ranks, "train", "--package", package.Folder, "--accumulate", $"{Parts}", "--data", Folder["images.npy"], "--steps", "1", "--log-every", "1", "--importance-samples", "0", "--out", run.Path);
        var first = Checkpoint.Read(run.CheckpointAt(1)).States;
        Mpi.Succeed(Mpi.Open, ranks, "train", "--resume", "--steps", $"{Steps}", "--out", run.Path);
        double[] losses = [.. MetricsLog.Read(run.Metrics).Select(line => MetricsLog.ValueOf(line, "loss")).OfType<double>()];
        return new Trace(losses, package.ReadInitialStates(), first, Checkpoint.Read(run.CheckpointAt(Steps)).States);
    }

    // For whole batches, and for parts of a quarter.
    private (TrainingPackage Whole, TrainingPackage Parts) Compile(string model)
    {
        var image = new ExampleShape(1, Side, Side);
        if (model == "vqvae2")
        {
            using var quantized = new VqVaeNetworks(new QuantizedNetwork { Channels = 16, ResidualChannels = 8, ResidualBlocks = 1 }, image, dimension: 4, hasTop: true, seed: 1);
            return Write(new VqVaeModel(quantized, new GaussianLikelihood(0.5f, PixelMean.Identity), new MovingAverageCodebook("bottom", 8, 4), new MovingAverageCodebook("top", 4, 4)));
        }

        using var networks = new VaeNetworks(model switch
        {
            "mlp" => new MlpNetwork(40),
            "conv" => new ConvNetwork { Channels = [8, 16], Dense = 40 },
            _ => new ResidualNetwork { Channels = 8 },
        }, image, latents: 4, seed: 1);
        return Write(new VaeModel(networks, new BernoulliLikelihood(), new BetaElbo()));

        (TrainingPackage Whole, TrainingPackage Parts) Write(IModel built) =>
            (Compiler(built, Batch).Write(Folder["whole"], partSize: Batch), Compiler(built, Batch / Parts).Write(Folder["parts"], partSize: Batch / Parts));

        static PackageCompiler Compiler(IModel built, int rows) =>
            new(built, new TrainingOptions { BatchSize = rows, Optimizer = new Adam(new ConstantSchedule(3e-4)), MaxGradientNorm = 1000, WeightAveraging = 0.99 });
    }

    // Codes are in use, and weights past their first steps, in which Adam turns the smallest gradient into as large a change as the largest.
    private static void StartWarm(TrainingPackage whole, TrainingPackage parts, ImageSource images)
    {
        using var states = new StateBuffers(whole, OnnxDevice.Cpu, whole.Manifest.Step.Updates);
        states.Load(whole.ReadInitialStates());
        using var runner = new FusedStepRunner(whole, states, threads: 2);
        var batches = runner.Prepare(images, seed: 2, 1, WarmUp, augmentation: null);
        for (int step = 1; step <= WarmUp; step++)
        {
            runner.Run(batches, step, withMetrics: false, stop: false);
        }

        batches.DisposeAsync().AsTask().GetAwaiter().GetResult();
        whole.WriteInitialStates(states.Snapshot());
        parts.WriteInitialStates(states.Snapshot());
    }

    private void WriteSprites()
    {
        var sprites = ImageData.Open("sprites", new ImageOptions { Size = (Side, Side) }).Train;
        using var stream = File.Create(Folder["images.npy"]);
        Npy.WriteHeader(stream, "|u1", [Images, Side, Side]);
        for (int i = 0; i < Images; i++)
        {
            stream.Write(TestImages.Read(sprites, i * (sprites.Count / Images)));
        }
    }

    private sealed record Trace(IReadOnlyList<double> Losses, IReadOnlyDictionary<string, Tensor> Start, IReadOnlyDictionary<string, Tensor> First, IReadOnlyDictionary<string, Tensor> Last)
    {
        public float[] GradientOf(string moment)
        {
            float[] before = Start[moment].As<float>().ToArray(), after = First[moment].As<float>().ToArray();
            return [.. after.Zip(before, (next, last) => (float)((next - (0.9 * last)) / 0.1))];
        }
    }
}
