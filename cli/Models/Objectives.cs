using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli.Models;

/// <summary>Creates objectives from options.</summary>
internal static class Objectives
{
    /// <summary>Creates the objective that options specify.</summary>
    /// <param name="options">The options.</param>
    /// <param name="steps">Number of training steps.</param>
    /// <exception cref="UsageException">There are too few steps.</exception>
    public static Objective Create(ModelOptions options, long steps) =>
        options.Samples > 1 ? new ImportanceWeightedBound(options.Samples)
        : options.Capacity is { } capacity ? new CapacityElbo(options.CapacityWeight, new WarmUpSchedule(capacity, steps / 2))
        : options.FreeBits is { } free ? new FreeBitsElbo(free, Beta(options, steps))
        : new BetaElbo(Beta(options, steps));

    private static Schedule Beta(ModelOptions options, long steps) =>
        options.BetaCycles == 0 ? new WarmUpSchedule(options.Beta, options.BetaWarmUp)
        : 2 * options.BetaCycles <= steps ? new CyclicSchedule(options.Beta, (steps + options.BetaCycles - 1) / options.BetaCycles)
        : throw new UsageException($"--beta-cycles is {options.BetaCycles}, but there are {steps} steps: a cycle needs at least two.");
}

/// <content>Objectives.</content>
internal sealed partial record ModelOptions
{
    [Option(Topic.Objective, "Weight of the rate (the KL term); 1 for the ELBO."), AtLeast(0)]
    public double Beta { get; init; } = 1;

    [Option(Topic.Objective, "Warm-up steps over which beta rises from 0."), Between(0, BetweenAttribute.LargestCount)]
    public int BetaWarmUp { get; init; }

    [Option(Topic.Objective, "How many times beta rises from 0 during training, in the first half of each cycle."), Between(0, BetweenAttribute.LargestCount)]
    public int BetaCycles { get; init; }

    [Option(Topic.Objective, "Free bits: nats per latent that are not penalized."), Positive]
    public double? FreeBits { get; init; }

    [Option(Topic.Objective, "Target rate, nats per image, instead of --beta; it rises from 0 over the first half of training."), AtLeast(0)]
    public double? Capacity { get; init; }

    [Option(Topic.Objective, "Weight of the rate's distance to --capacity."), Positive]
    public double CapacityWeight { get; init; } = 100;

    [Option(Topic.Objective, "Samples of the latents per image; more than one trains the importance-weighted bound."), Between(1, 4096)]
    public int Samples { get; init; } = 1;

    // The first given option that affects the weight of the rate (the KL term).
    private string? FirstWeight(bool withCapacity) =>
        Beta != 1 ? nameof(Beta) : BetaWarmUp > 0 ? nameof(BetaWarmUp) : BetaCycles > 0 ? nameof(BetaCycles) : FreeBits is not null ? nameof(FreeBits)
        : withCapacity && Capacity is not null ? nameof(Capacity) : null;

    private IEnumerable<string> ObjectiveFaults() =>
    [
        .. Rounded ? Refuse(nameof(Rounded), Samples > 1 ? nameof(Samples) : Prior != MetadataKeys.StandardNormal ? nameof(Prior) : null, "rounded latents have one value and a density of their own") : [],
        .. Samples > 1 ? Refuse(nameof(Samples), FirstWeight(withCapacity: true), "the importance-weighted bound has no weighted rate term") : [],
        .. Samples == 1 && Capacity is not null ? Refuse(nameof(Capacity), FirstWeight(withCapacity: false), "the rate is held at the capacity instead of being weighted") : [],
        .. BetaCycles > 0 ? Refuse(nameof(BetaCycles), BetaWarmUp > 0 ? nameof(BetaWarmUp) : null, "each cycle has a warm-up of its own") : [],
    ];
}
