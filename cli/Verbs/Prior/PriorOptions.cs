using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Prior;

/// <summary>Everything a prior of codes was asked for.</summary>
internal sealed record PriorOptions : AuxiliaryOptions
{
    public required string Level { get; init; }

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Heads { get; init; }

    public double LabelDropout { get; init; }
}
