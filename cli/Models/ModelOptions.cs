using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Models;

/// <summary>What to compile. Each family of components declares its options next to its table.</summary>
internal sealed partial record ModelOptions : IChecked
{
    [Option(Topic.Optimization, "Images per step."), Between(1, BetweenAttribute.LargestWidth)]
    public int Batch { get; init; } = 64;

    [Option(Topic.Execution, "Compute convolutions directly, instead of with faster algorithms that round slightly more.")]
    public bool Precise { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> FindFaults(GivenOptions given) => [.. NetworkFaults(given), .. QuantizerFaults(given), .. SegmentFaults(given), .. ObjectiveFaults(), .. OptimizerFaults(given)];

    private static IEnumerable<string> Refuse(string property, string? other, string reason) =>
        other is null ? [] : [$"{OptionNames.OfProperty(other)} cannot be given with {OptionNames.OfProperty(property)}: {reason}."];
}
