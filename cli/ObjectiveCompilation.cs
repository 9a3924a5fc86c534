using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli;

/// <summary>The objective that options ask for.</summary>
internal static class ObjectiveCompilation
{
    /// <summary>Reads the options.</summary>
    /// <param name="options">The model's options.</param>
    /// <param name="steps">Steps of the training.</param>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public static Objective Create(ModelOptions options, long steps)
    {
        (string Name, bool IsGiven)[] weights =
        [
            ("--beta", options.Beta != 1), ("--beta-warm-up", options.BetaWarmUp > 0), ("--beta-cycles", options.BetaCycles > 0),
            ("--free-bits", options.FreeBits is not null), ("--capacity", options.Capacity is not null),
        ];
        if (options.Rounded)
        {
            Refuse("--rounded", options.Samples > 1 ? "--samples" : options.Prior != "standard-normal" ? "--prior" : null, "rounded latents have one value and a density of their own");
        }

        if (options.Samples > 1)
        {
            Refuse("--samples", weights.FirstOrDefault(weight => weight.IsGiven).Name, "the importance-weighted bound has no weight of the rate");
            return new ImportanceWeightedBound(options.Samples);
        }

        if (options.Capacity is { } capacity)
        {
            Refuse("--capacity", weights[..^1].FirstOrDefault(weight => weight.IsGiven).Name, "the rate is held at the capacity instead of being weighted");
            return new CapacityElbo(options.CapacityWeight, new WarmUpSchedule(capacity, steps / 2));
        }

        return options.FreeBits is { } free ? new FreeBitsElbo(free, Beta(options, steps)) : new BetaElbo(Beta(options, steps));
    }

    private static Schedule Beta(ModelOptions options, long steps)
    {
        if (options.BetaCycles == 0)
        {
            return new WarmUpSchedule(options.Beta, options.BetaWarmUp);
        }

        Refuse("--beta-cycles", options.BetaWarmUp > 0 ? "--beta-warm-up" : null, "each cycle has a warm-up of its own");
        return 2 * options.BetaCycles <= steps
            ? new CyclicSchedule(options.Beta, (steps + options.BetaCycles - 1) / options.BetaCycles)
            : throw new UsageException($"--beta-cycles is {options.BetaCycles}, but there are {steps} steps: a cycle needs at least two.");
    }

    private static void Refuse(string option, string? other, string reason)
    {
        if (other is not null)
        {
            throw new UsageException($"{other} cannot be given with {option}: {reason}.");
        }
    }
}
