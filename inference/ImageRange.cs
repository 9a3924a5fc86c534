namespace OnnxVae.Inference;

/// <summary>Images by their numbers.</summary>
/// <param name="First">The first.</param>
/// <param name="End">The one after the last.</param>
public readonly record struct ImageRange(long First, long End)
{
    /// <summary>How many there are.</summary>
    public long Count => End - First;

    /// <summary>The images from 0 on.</summary>
    public static ImageRange OfFirst(long count) => new(0, count);
}
