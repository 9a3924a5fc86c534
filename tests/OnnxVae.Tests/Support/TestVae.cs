using OnnxVae.Cli.Models;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;
using OnnxVae.Training.Runtime;
using TorchSharp;

namespace OnnxVae.Tests.Support;

/// <summary>What a test makes of a VAE.</summary>
internal sealed record TestVaeOptions(Likelihood Likelihood, Objective Objective, Optimizer Optimizer)
{
    public Prior Prior { get; init; } = new StandardNormalPrior();

    public PixelPreparation Pixels { get; init; }

    public double? WeightAveraging { get; init; }
}

/// <summary>A small VAE, compiled into a folder, with its step on ONNX Runtime.</summary>
internal sealed class TestVae : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public TestVae(
        string network, string likelihood, double beta = 1, int batchSize = 6, PosteriorKind posterior = PosteriorKind.Gaussian,
        Func<TestVaeOptions, TestVaeOptions>? with = null)
    {
        BatchSize = batchSize;
        torch.random.manual_seed(11);
        Vae = network switch
        {
            "mlp" => new VaeNetworks(new MlpNetwork(24, 16), new ExampleShape(1, 9, 8), latents: 5, posterior),
            "linear" => new VaeNetworks(new LinearNetwork(), new ExampleShape(1, 9, 8), latents: 5, posterior),
            "conv" => new VaeNetworks(new ConvNetwork { Dense = 20 }, new ExampleShape(3, 18, 17), latents: 4),
            "residual" => new VaeNetworks(new ResidualNetwork { Channels = 12 }, new ExampleShape(3, 16, 20), latents: 4),
            "mlp of vectors" => new VaeNetworks(new MlpNetwork(24, 16), new ExampleShape(15), latents: 5),
            "conv of series" => new VaeNetworks(new ConvNetwork { Dense = 20 }, new ExampleShape(2, 37), latents: 4),
            "conv of volumes" => new VaeNetworks(new ConvNetwork { Dense = 20 }, new ExampleShape(2, 8, 9, 10), latents: 4),
            "residual of series" => new VaeNetworks(new ResidualNetwork { Channels = 12 }, new ExampleShape(2, 32), latents: 4),
            "residual of volumes" => new VaeNetworks(new ResidualNetwork { Channels = 12 }, new ExampleShape(1, 16, 16, 18), latents: 4),
            _ => throw new ArgumentException(network),
        };
        var pixelMean = network == "linear" ? PixelMean.Identity : PixelMean.Sigmoid;
        var options = new TestVaeOptions(
            Likelihoods.Create(new ModelOptions { Likelihood = likelihood, Sigma = Sigma, Lambda = Lambda }, pixelMean, scaling: null), new BetaElbo(new ConstantSchedule(beta)),
            new Adam(new ConstantSchedule(LearningRate)));
        Options = with is null ? options : with(options);
        Compiler = new PackageCompiler(
            new VaeModel(Vae, Options.Likelihood, Options.Objective, Options.Prior, Options.Pixels),
            new TrainingOptions { BatchSize = batchSize, Optimizer = Options.Optimizer, WeightAveraging = Options.WeightAveraging });
        Package = Compiler.Write(folder["package"]);
        States = new StateBuffers(Package, OnnxDevice.Cpu, Package.Manifest.Step.Updates);
        States.Load(Package.ReadInitialStates());
        Step = new ProgramRunner(Package, Package.Manifest.Step, States, threads: 2);
    }

    public static double LearningRate => 1e-3;

    public static double Sigma => 0.7;

    public static double Lambda => 3;

    public VaeNetworks Vae { get; }

    public TestVaeOptions Options { get; }

    public PackageCompiler Compiler { get; }

    public TrainingPackage Package { get; }

    public StateBuffers States { get; }

    public ProgramRunner Step { get; }

    public int BatchSize { get; }

    /// <summary>Pixels and noise drawn from a seed, the same at every call.</summary>
    public (byte[] Images, float[] Noise) Batch(int seed)
    {
        var images = new byte[BatchSize * Vae.Shape.Dimensions];
        new Random(seed).NextBytes(images);
        return (images, Numbers.StandardNormal(Options.Objective.Samples * BatchSize * Vae.Latents, (ulong)seed));
    }

    /// <summary>Runs a training step on ONNX Runtime, on the batch of the step or of another seed.</summary>
    public float RunStep(int step, int? seed = null)
    {
        var (images, noise) = Batch(seed ?? step);
        Step.FillNoise((ulong)(seed ?? step), step);
        images.CopyTo(Step.Input<byte>("images"));
        if (Vae.Posterior == PosteriorKind.Gaussian)
        {
            noise.CopyTo(Step.Input<float>("eps"));
        }

        Step.FillSchedules(step);
        Step.Run();
        return Step.Metric("loss")[0];
    }

    public void Dispose()
    {
        Step.Dispose();
        States.Dispose();
        Vae.Dispose();
        folder.Dispose();
    }
}
