using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Models.Colorization;

namespace OnnxVae.Cli.Models;

/// <summary>What the colors of a segment may depend on, by name.</summary>
internal sealed class ColorDecoders : INamed
{
    private static readonly Dictionary<string, ColorDecoder> Table = new()
    {
        ["segment"] = ColorDecoder.Segment,
        ["local"] = ColorDecoder.Local,
        ["unrestricted"] = ColorDecoder.Unrestricted,
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The decoder with a given name.</summary>
    public static ColorDecoder Find(string name) => Table[name];
}

/// <summary>How segments are inferred, by name.</summary>
internal sealed class SegmentInferences : INamed
{
    private static readonly Dictionary<string, SegmentInference> Table = new()
    {
        ["exact"] = SegmentInference.Exact,
        ["enumerated"] = SegmentInference.Enumerated,
        ["gumbel-softmax"] = SegmentInference.GumbelSoftmax,
        ["straight-through"] = SegmentInference.StraightThrough,
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>The inference with a given name.</summary>
    public static SegmentInference Find(string name) => Table[name];
}

/// <content>Colorization.</content>
internal sealed partial record ModelOptions
{
    private const string Unrestricted = "unrestricted";

    private static readonly string[] OfSegments = [nameof(Segments), nameof(Stride), nameof(ColorDecoder), nameof(Inference), nameof(Relaxation), nameof(ContextWidth)];

    [Option(Topic.Segments, "Number of segments, for --model colorization."), Between(2, 4096)]
    public int Segments { get; init; } = 8;

    [Option(Topic.Segments, "Pixels per cell of the segmentation, along each side: 1, 2 or 4."), Between(1, 4)]
    public int Stride { get; init; } = 1;

    [Option(Topic.Segments, "What the colors of a segment may depend on: nothing else, the luminance of 3 x 3 pixels, or the whole image."), Among<ColorDecoders>]
    public string ColorDecoder { get; init; } = "segment";

    [Option(Topic.Segments, "How segments are inferred in training: by the exact posterior, or by a network whose segments are enumerated, relaxed, or drawn; if left out, exact where the decoder allows it, else gumbel-softmax."), Among<SegmentInferences>]
    public string? Inference { get; init; }

    [Option(Topic.Segments, "The temperature of relaxed segments."), Positive]
    public double Relaxation { get; init; } = 0.5;

    [Option(Topic.Segments, "Channels of the networks at full resolution."), Between(1, BetweenAttribute.LargestChannels)]
    public int ContextWidth { get; init; } = 16;

    /// <summary>Whether the latents are a segmentation.</summary>
    [JsonIgnore]
    public bool HasSegments => Model == ModelNames.Colorization;

    /// <summary>How segments are inferred.</summary>
    [JsonIgnore]
    public string ResolvedInference => Inference ?? (ColorDecoder == Unrestricted ? "gumbel-softmax" : "exact");

    private IEnumerable<string> SegmentFaults(GivenOptions given)
    {
        if (HasSegments && ColorDecoder == Unrestricted && Inference is "exact" or "enumerated")
        {
            yield return $"--inference {Inference} cannot be given with --color-decoder unrestricted: its segments cannot be enumerated.";
        }
        else if (HasSegments && ResolvedInference is "exact" or "enumerated" && given.Has(nameof(Relaxation)))
        {
            yield return $"--relaxation cannot be given with --inference {ResolvedInference}: nothing is relaxed.";
        }
    }
}
