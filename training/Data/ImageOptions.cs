using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>How data are read, and images prepared.</summary>
public sealed record ImageOptions
{
    /// <summary>The size that images are scaled and cropped to; null to keep their size.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>1 for grayscale, 3 for color; null for color if any image has color.</summary>
    public int? Channels { get; init; }

    /// <summary>What the axes of arrays are; null to tell by their shapes.</summary>
    public ArrayLayout? Layout { get; init; }

    /// <summary>The shape of examples that a model takes, by which the axes of arrays are told; null for none.</summary>
    public ExampleShape? Shape { get; init; }

    /// <summary>Whether the arrays that the model was trained on had their channels last, for shapes that fit either way.</summary>
    public bool IsChannelsLast { get; init; }

    /// <summary>Whether arrays hold real numbers, in units of their own, instead of pixels; null to tell by their values.</summary>
    public bool? IsReal { get; init; }

    /// <summary>The bits of the values in uint16 arrays, 8 or 16; null for 16 if any of the values needs more than 8.</summary>
    public int? BitDepth { get; init; }

    /// <summary>Whether images that cannot be read are skipped instead of raising an error.</summary>
    public bool SkipCorrupt { get; init; }

    /// <summary>Random seed for drawing every pixel once as black or white; null to keep pixels as they are.</summary>
    public ulong? BinarizationSeed { get; init; }

    /// <summary>
    /// Whether image files are opened only when they are read, each time, which works for any number of them; unreadable ones are only found
    /// then. Takes effect only if size and channels are given.
    /// </summary>
    public bool IsLazy { get; init; }

    /// <summary>Called with the number of images decoded so far and the total, while image files are read; from several threads.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>The shape that examples should have; null if nothing is known of it.</summary>
    internal ExampleShape? ExpectedShape => Shape ?? (this is { Channels: { } channels, Size: { } size } ? new ExampleShape(channels, size.Height, size.Width) : null);
}
