using System.CommandLine;
using System.Globalization;
using OnnxVae.Inference;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli;

/// <summary>Options that several verbs share.</summary>
internal static class VerbOptions
{
    /// <summary>The most of what is counted, unless something else is said.</summary>
    public const int LargestCount = 1 << 20;

    /// <summary>The most numbers of a layer or a codebook.</summary>
    public const int LargestWidth = 1 << 16;

    /// <summary>The most channels of a convolution, and numbers of a vector.</summary>
    public const int LargestChannels = 1 << 12;

    private const int LargestImage = 4096;

    public static Option<string> Device() => new("--device")
    {
        Description = "An execution provider: cpu, cuda, cuda:1, or another one that the loaded ONNX Runtime has.",
        DefaultValueFactory = _ => "cpu",
    };

    public static Option<int> Threads() => Count("--threads", 0, 0, "Threads of the processor; 0 for one per logical processor.", OnnxDevice.MostThreads);

    public static Option<ulong> Seed() => new("--seed") { Description = "Random seed.", DefaultValueFactory = _ => 1 };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON object." };

    public static Option<int?> ImageSize() => AtMost(LargestImage, AtLeast(1, new Option<int?>("--image-size")
    {
        Description = "Side of the square to which images are scaled and cropped; as they are, if left out.",
    }));

    /// <summary>A picture of many images.</summary>
    public static Option<string?> Grid(string description)
    {
        var option = new Option<string?>("--grid") { Description = description };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } path && !PictureFile.IsWritable(path))
            {
                result.AddError($"--grid is '{path}'; pictures are written as .png, .jpg or .webp.");
            }
        });
        return option;
    }

    public static Option<int?> Channels()
    {
        var option = new Option<int?>("--channels") { Description = "1 for grayscale, 3 for colour; colour where any image has it, if left out." };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out int channels) && channels is not (1 or 3))
            {
                result.AddError($"--channels is {channels}; give 1 for grayscale or 3 for colour.");
            }
        });
        return option;
    }

    /// <summary>A number of things with a default.</summary>
    public static Option<int> Count(string name, int value, int smallest, string description, int largest = LargestCount) =>
        AtMost(largest, AtLeast(smallest, new Option<int>(name) { Description = description, DefaultValueFactory = _ => value }));

    public static Option<bool> SkipCorrupt() => new("--skip-corrupt") { Description = "Leave out image files that cannot be read." };

    public static Option<bool> Binarize() => new("--binarize")
    {
        Description = "Draw every pixel once as black or white, white with the probability of its gray value: binary MNIST.",
    };

    public static Option<int> ImportanceSamples() => Count("--importance-samples", 10, 0, "Samples per image behind negativeLogLikelihood; 0 to leave it out.");

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

    /// <summary>Refuses larger numbers, with which the work would not end, or would not fit into any memory.</summary>
    public static TOption AtMost<TOption>(long largest, TOption option) where TOption : Option =>
        Require(option, number => number <= largest, $"at most {largest}");

    /// <summary>Refuses zero, negative numbers and what is not a number.</summary>
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
