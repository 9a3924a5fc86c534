using OnnxVae.Exporters.Optimizers;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.VqVae;

namespace OnnxVae.Benchmarks;

/// <summary>A VQ-VAE-2 of the published size whose training step is timed: two levels of 512 codes of 64 numbers, 128 channels.</summary>
internal sealed record CodesModel(string Name, string Description, ExampleShape Image, int Batch) : StepModel(Name, Description, Image, Batch)
{
    public const double Sigma = 0.25;

    private const int Codes = 512, Dimension = 64;

    public static new IReadOnlyList<CodesModel> All { get; } =
    [
        new("e", "VQ-VAE-2 32x32x3, 4x4 + 8x8 codes, batch 64", new ExampleShape(3, 32, 32), 64),
        new("f", "VQ-VAE-2 256x256x3, 32x32 + 64x64 codes, batch 4", new ExampleShape(3, 256, 256), 4),
    ];

    /// <summary>The codebook of a level.</summary>
    public static MovingAverageCodebook Codebook(string level) => new(level, Codes, Dimension);

    /// <summary>Builds the networks, always with the same weights.</summary>
    public VqVaeNetworks Build()
    {
        Seed();
        return new VqVaeNetworks(new QuantizedNetwork(), Image, Dimension, hasTop: true);
    }

    /// <inheritdoc/>
    public override Exporters.Programs.Program Compile()
    {
        using var vae = Build();
        var model = new VqVaeModel(vae, new GaussianLikelihood(Sigma, PixelMean.Identity), Codebook("bottom"), Codebook("top"));
        return new PackageCompiler(model, new TrainingOptions { BatchSize = Batch, Optimizer = new Adam(new ConstantSchedule(LearningRate)) }).Step();
    }

    /// <inheritdoc/>
    public override TorchStep CreateTorchStep() => new VqVaeTorchStep(this);
}
