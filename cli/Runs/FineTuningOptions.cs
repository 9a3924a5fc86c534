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

    [Option(Topic.Model, "A JSON file that maps the model's names to those in --from, as in {\"encoder.1.weight\": \"fc1.weight\"}; a list of names joins tensors along their first axis.")]
    public string? WeightNames { get; init; }

    [Option(Topic.Model, "Take those weights of --from that fit, and leave the others at their initial values.")]
    public bool Partial { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given)
    {
        if (From is null && WeightNames is not null)
        {
            yield return "--weight-names needs --from, the weights that it is for.";
        }

        if (From is null && Partial)
        {
            yield return "--partial needs --from, the weights to take.";
        }
    }

    /// <summary>The same with full paths.</summary>
    public FineTuningOptions Resolve() => this with { From = Full(From), WeightNames = Full(WeightNames) };

    /// <summary>Replaces a package's initial weights, if others are given.</summary>
    /// <exception cref="InvalidDataException">They do not fit the model, or cannot be read.</exception>
    public void ApplyTo(TrainingPackage package)
    {
        if (From is null)
        {
            return;
        }

        var weights = InitialWeights.Read(From, WeightNames is null ? null : InitialWeights.ReadNames(WeightNames));
        var (set, kept) = Partial ? weights.ApplyMatchingTo(package) : (weights.ApplyTo(package), []);
        Notice.Say($"Weights   {set} tensors from {TerminalWriter.CleanName(From)}{(kept.Count > 0 ? $"; as initialized: {string.Join(", ", kept)}" : "")}");
    }

    private static string? Full(string? path) => Path.Exists(path) ? Path.GetFullPath(path) : path;
}
