namespace OnnxVae.Cli.Companions;

/// <summary>Everything a prior of codes was asked for, as it is stored in its folder.</summary>
internal sealed record PriorOptions
{
    public required string Level { get; init; }

    public int Width { get; init; }

    public int Depth { get; init; }

    public int Heads { get; init; }

    public double LabelDropout { get; init; }

    public required CompanionTraining Training { get; init; }
}
