using System.Globalization;

namespace OnnxVae.Format;

/// <summary>How real numbers are scaled for a model.</summary>
public enum ScalingKind
{
    /// <summary>They are seen as they are.</summary>
    None,

    /// <summary>To mean 0 and standard deviation 1 in each channel.</summary>
    Standard,

    /// <summary>To the range from 0 to 1 in each channel.</summary>
    MinMax,
}

/// <summary>Examples of real numbers, and how a model sees them: (y - offset) / scale, with an offset and a scale for each channel.</summary>
public sealed record Scaling
{
    private const int BitsOfReals = 32;

    private Scaling(ScalingKind kind, IReadOnlyList<float> offsets, IReadOnlyList<float> scales) => (Kind, Offsets, Scales) = (kind, offsets, scales);

    /// <summary>How they are scaled.</summary>
    public ScalingKind Kind { get; }

    /// <summary>What is subtracted from each channel, in the data's units; empty for values that are seen as they are.</summary>
    public IReadOnlyList<float> Offsets { get; }

    /// <summary>What each channel is divided by, in the data's units; empty for values that are seen as they are.</summary>
    public IReadOnlyList<float> Scales { get; }

    /// <summary>Whether all values are in [0, 1] as they are, like those of pixels.</summary>
    public bool IsUnitRange { get; private init; }

    /// <summary>The bits of a value: 8 or 16 for pixels that were divided by the largest one, 32 for other numbers.</summary>
    public int BitDepth { get; private init; } = BitsOfReals;

    /// <summary>Whether values are numbers in units of their own, and not those of pixels.</summary>
    public bool IsReal => BitDepth == BitsOfReals;

    /// <summary>Whether the model sees values in [0, 1], at least those that it was made for.</summary>
    public bool IsSeenInUnitRange => IsUnitRange || Kind == ScalingKind.MinMax;

    /// <summary>Values that are seen as they are.</summary>
    /// <param name="isUnitRange">Whether all are in [0, 1].</param>
    public static Scaling AsTheyAre(bool isUnitRange) => new(ScalingKind.None, [], []) { IsUnitRange = isUnitRange };

    /// <summary>Pixels that were divided by the largest one.</summary>
    /// <param name="bitDepth">Their bits, 8 or 16.</param>
    public static Scaling OfPixels(int bitDepth) => AsTheyAre(isUnitRange: true) with { BitDepth = bitDepth };

    /// <summary>Values with mean 0 and standard deviation 1 in each channel.</summary>
    /// <param name="means">The channels' means.</param>
    /// <param name="deviations">Their standard deviations.</param>
    /// <exception cref="ArgumentException">A number is not finite, or a standard deviation not positive.</exception>
    public static Scaling Standard(IReadOnlyList<float> means, IReadOnlyList<float> deviations) => OfChannels(ScalingKind.Standard, means, deviations);

    /// <summary>Values from 0 to 1 in each channel.</summary>
    /// <param name="smallest">The channels' smallest values.</param>
    /// <param name="ranges">How much larger their largest values are.</param>
    /// <exception cref="ArgumentException">A number is not finite, or a range not positive.</exception>
    public static Scaling MinMax(IReadOnlyList<float> smallest, IReadOnlyList<float> ranges) => OfChannels(ScalingKind.MinMax, smallest, ranges);

    /// <summary>The sum of ln scale over the values of an example: what -ln p(y) is larger by than the negative log-density of what the model sees, nats.</summary>
    /// <param name="shape">The example's shape.</param>
    public double LogVolume(ExampleShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return Scales.Sum(scale => Math.Log(scale)) * shape.ValuesPerChannel;
    }

    private static Scaling OfChannels(ScalingKind kind, IReadOnlyList<float> offsets, IReadOnlyList<float> scales)
    {
        int wrong = Enumerable.Range(0, Math.Max(offsets.Count, scales.Count)).FirstOrDefault(
            channel => channel >= offsets.Count || channel >= scales.Count || !float.IsFinite(offsets[channel]) || !(scales[channel] > 0 && float.IsFinite(scales[channel])), -1);
        return wrong < 0 ? new Scaling(kind, [.. offsets], [.. scales]) : throw new ArgumentException(string.Create(
            CultureInfo.InvariantCulture, $"Channel {wrong} has no offset and scale that can be used; expected finite numbers for each channel, and positive scales."));
    }
}
