namespace OnnxVae.Training.Data;

/// <summary>How images are prepared.</summary>
public sealed record ImageOptions
{
    /// <summary>What images are scaled and cropped to; null to take them as they are.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>1 for grayscale, 3 for colour; null for colour where any image has it.</summary>
    public int? Channels { get; init; }

    /// <summary>Whether images that cannot be read are left out instead of stopping everything.</summary>
    public bool SkipCorrupt { get; init; }

    /// <summary>Chooses draws of black or white for every pixel, once and for all; null for pixels as they are.</summary>
    public ulong? BinarizationSeed { get; init; }

    /// <summary>
    /// Whether image files are opened only when they are read, each time, which suits any number of them: those that cannot be read are found
    /// then. It takes effect where size and channels are given.
    /// </summary>
    public bool IsLazy { get; init; }

    /// <summary>Called with the images decoded so far and the images in all, while image files are read; from several threads.</summary>
    public Action<long, long>? Progress { get; init; }
}
