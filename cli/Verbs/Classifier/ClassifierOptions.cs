using OnnxVae.Cli.Runs;

namespace OnnxVae.Cli.Verbs.Classifier;

/// <summary>Everything a classifier was asked for.</summary>
internal sealed record ClassifierOptions : AuxiliaryOptions
{
    public required string Model { get; init; }

    public string? Hidden { get; init; }
}
