namespace OnnxVae.Training.Data;

/// <summary>How images are prepared.</summary>
public sealed record ImageOptions
{
    /// <summary>The size that images are scaled and cropped to; null to keep their size.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>1 for grayscale, 3 for color; null for color if any image has color.</summary>
    public int? Channels { get; init; }

    /// <summary>Where arrays have their channels; null to tell by their shapes.</summary>
    public ImageLayout? Layout { get; init; }

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
}
