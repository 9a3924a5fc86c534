using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Where a run's initial weights come from.</summary>
internal sealed record FineTuningOptions : IChecked
{
    [Option(Topic.Model, "Start from given weights instead of random ones: a run, a checkpoint, or a .safetensors file such as one that PyTorch wrote.")]
    public string? From { get; init; }

    [Option(Topic.Model, "A JSON file with the names that weights have in --from by those of the model, as in {\"encoder.1.weight\": \"fc1.weight\"}; a list of names joins tensors.")]
    public string? WeightNames { get; init; }

    [Option(Topic.Model, "Take those weights of --from that fit, and leave the others at their initial values.")]
    public bool Partial { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) =>
        From is not null ? [] : WeightNames is not null ? ["--weight-names is for weights of --from: give that."] : Partial ? ["--partial is for weights of --from: give that."] : [];

    /// <summary>The same with full paths.</summary>
    public FineTuningOptions Resolve() => this with { From = Full(From), WeightNames = Full(WeightNames) };

    /// <summary>Replaces a package's initial weights, if there are others.</summary>
    /// <exception cref="InvalidDataException">They do not fit the model, or cannot be read.</exception>
    public void ApplyTo(TrainingPackage package)
    {
        if (From is null)
        {
            return;
        }

        var weights = InitialWeights.Read(From, WeightNames is null ? null : InitialWeights.ReadNames(WeightNames));
        var (set, kept) = weights.ApplyTo(package, Partial);
        Notice.Say($"Weights   {set} tensors from {TerminalWriter.CleanName(From)}{(kept.Count > 0 ? $"; as initialized: {string.Join(", ", kept)}" : "")}");
    }

    private static string? Full(string? path) => Path.Exists(path) ? Path.GetFullPath(path) : path;
}
