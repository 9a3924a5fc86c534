using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Format;

namespace OnnxVae.Cli.Verbs.Em;

/// <summary>The options of <c>em</c>.</summary>
internal sealed record EmOptions : IChecked
{
    [Group]
    public DataOptions Data { get; init; } = new();

    [Option(Topic.Model, "Number of latents."), Between(1, BetweenAttribute.LargestWidth)]
    public int Latent { get; init; } = 10;

    [Option(Topic.Run, "Steps of expectation maximization."), Between(1, 100_000)]
    public int Steps { get; init; } = 50;

    [Option(Topic.Run, "The largest number of training images to compute the covariance of."), AtLeast(2)]
    public long Images { get; init; } = 20_000;

    [SeedOption]
    public ulong Seed { get; init; } = 1;

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) =>
    [
        .. Data.Condition is null ? [] : (string[])["--condition cannot be given with em: its model is unconditional."],
        .. Data.Scale is null or ScalingNames.None ? [] : (string[])[$"--scale {Data.Scale} cannot be given with em: it takes numbers as they are."],
    ];
}
