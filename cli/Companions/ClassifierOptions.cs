namespace OnnxVae.Cli.Companions;

/// <summary>Everything a classifier was asked for, as it is stored in its folder.</summary>
internal sealed record ClassifierOptions
{
    public required string Model { get; init; }

    public string? Hidden { get; init; }

    public required CompanionTraining Training { get; init; }
}
