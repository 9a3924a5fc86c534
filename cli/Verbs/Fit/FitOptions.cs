using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Fit;

/// <summary>The options of <c>fit</c>.</summary>
internal sealed record FitOptions
{
    [Argument("RUN", "The run's folder.")]
    public string Run { get; init; } = "";

    [Option(Topic.Model, "Gaussians in the mixture."), Between(1, LatentMixture.MostComponents)]
    public int Components { get; init; } = 50;

    [Option(Topic.Data, "Training images to encode at most."), AtLeast(1)]
    public long Images { get; init; } = LatentMixture.UsualImages;

    [SeedOption]
    public ulong Seed { get; init; } = 1;
}
