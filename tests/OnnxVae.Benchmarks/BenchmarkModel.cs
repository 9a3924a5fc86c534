using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Vae;

namespace OnnxVae.Benchmarks;

/// <summary>A VAE whose training step is timed.</summary>
/// <param name="Name">A letter, as in the tables.</param>
/// <param name="Description">What it is.</param>
/// <param name="Network">Encoder and decoder.</param>
/// <param name="Image">The images' shape.</param>
/// <param name="Latents">Number of latents.</param>
/// <param name="Batch">Images per step.</param>
internal sealed record BenchmarkModel(string Name, string Description, VaeNetwork Network, ExampleShape Image, int Latents, int Batch)
    : StepModel(Name, Description, Image, Batch)
{
    public static new IReadOnlyList<BenchmarkModel> All { get; } =
    [
        new("a", "mlp 784-400-20, batch 128", new MlpNetwork(400), new ExampleShape(1, 28, 28), 20, 128),
        new("b", "conv 64x64x1, 32-32-64-64 channels, batch 64", new ConvNetwork(), new ExampleShape(1, 64, 64), 10, 64),
        new("c", "conv 64x64x3, 64-128-256-512 channels, batch 32", new ConvNetwork { Channels = [64, 128, 256, 512] }, new ExampleShape(3, 64, 64), 64, 32),
        new("d", "residual 32x32x3, 128 channels, batch 16", new ResidualNetwork(), new ExampleShape(3, 32, 32), 32, 16),
    ];

    /// <summary>Builds the networks, always with the same weights.</summary>
    public VaeNetworks Build()
    {
        Seed();
        return new VaeNetworks(Network, Image, Latents);
    }

    /// <summary>The compiler of the training step and the exported networks.</summary>
    public PackageCompiler Compiler(VaeNetworks vae) =>
        new(new VaeModel(vae, new BernoulliLikelihood(), new BetaElbo()), new TrainingOptions { BatchSize = Batch, Optimizer = new Adam(new ConstantSchedule(LearningRate)) });

    /// <inheritdoc/>
    public override Exporters.Programs.Program Compile()
    {
        using var vae = Build();
        return Compiler(vae).Step();
    }

    /// <inheritdoc/>
    public override TorchStep CreateTorchStep() => new VaeTorchStep(this);
}
