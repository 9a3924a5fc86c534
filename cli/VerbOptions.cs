using System.CommandLine;
using System.Globalization;

namespace OnnxVae.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class VerbOptions
{
    public static Option<string> Device() => new("--device")
    {
        Description = "An execution provider: cpu, cuda, cuda:1, or another one that the loaded ONNX Runtime has.",
        DefaultValueFactory = _ => "cpu",
    };

    public static Option<int> Threads() => AtLeast(0, new Option<int>("--threads")
    {
        Description = "Threads of the processor; 0 for one per logical processor.",
        DefaultValueFactory = _ => 0,
    });

    public static Option<ulong> Seed() => new("--seed") { Description = "Chooses everything random.", DefaultValueFactory = _ => 1 };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON object." };

    public static Option<int?> ImageSize() => AtLeast(1, new Option<int?>("--image-size")
    {
        Description = "Side of the square to which images are scaled and cropped; as they are, if left out.",
    });

    public static Option<int?> Channels()
    {
        var option = new Option<int?>("--channels") { Description = "1 for grey, 3 for colour; colour where any image has it, if left out." };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is not (null or 1 or 3))
            {
                result.AddError($"--channels is {result.GetValueOrDefault<int?>()}; give 1 for grey or 3 for colour.");
            }
        });
        return option;
    }

    /// <summary>A number of things with a default.</summary>
    public static Option<int> Count(string name, int value, int smallest, string description) =>
        AtLeast(smallest, new Option<int>(name) { Description = description, DefaultValueFactory = _ => value });

    public static Option<bool> SkipCorrupt() => new("--skip-corrupt") { Description = "Leave out image files that cannot be read." };

    public static Option<bool> Binarize() => new("--binarize")
    {
        Description = "Draw every pixel once as black or white, white with the probability of its grey value: binary MNIST.",
    };

    public static Option<int> ImportanceSamples() => AtLeast(0, new Option<int>("--importance-samples")
    {
        Description = "Samples per image behind negativeLogLikelihood; 0 to leave it out.",
        DefaultValueFactory = _ => 10,
    });

    /// <summary>Refuses unknown names.</summary>
    public static TOption Among<TOption>(IReadOnlyCollection<string> known, TOption option) where TOption : Option
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var given }] && !known.Contains(given))
            {
                result.AddError($"{option.Name} is '{given}'; known are {string.Join(", ", known)}.");
            }
        });
        option.CompletionSources.Add([.. known]);
        return option;
    }

    /// <summary>Refuses smaller numbers.</summary>
    public static TOption AtLeast<TOption>(int smallest, TOption option) where TOption : Option =>
        Require(option, number => number >= smallest && double.IsFinite(number), $"at least {smallest}");

    /// <summary>Refuses zero, negative numbers and what is no number.</summary>
    public static TOption Positive<TOption>(TOption option) where TOption : Option =>
        Require(option, number => number > 0 && double.IsFinite(number), "a positive number");

    /// <summary>Refuses what is no share of a whole: numbers below 0, and 1 and above.</summary>
    public static TOption Share<TOption>(TOption option) where TOption : Option =>
        Require(option, number => number is >= 0 and < 1, "at least 0 and below 1");

    private static TOption Require<TOption>(TOption option, Func<double, bool> isAllowed, string expected) where TOption : Option
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && double.TryParse(text, CultureInfo.InvariantCulture, out double number) && !isAllowed(number))
            {
                result.AddError($"{option.Name} is {text}; it must be {expected}.");
            }
        });
        return option;
    }
}
