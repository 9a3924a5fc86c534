using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Verbs.Tabular;

/// <summary>The options of <c>tabular</c>.</summary>
internal sealed record TabularOptions
{
    [Option(Topic.Model, "Values of y, and of z."), Between(2, 1000)]
    public int Values { get; init; } = 8;

    [SeedOption]
    public ulong Seed { get; init; } = 1;
}
