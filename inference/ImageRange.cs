namespace OnnxVae.Inference;

/// <summary>A range of image numbers.</summary>
/// <param name="First">The first.</param>
/// <param name="End">The one after the last.</param>
public readonly record struct ImageRange(long First, long End)
{
    /// <summary>The number of images.</summary>
    public long Count => End - First;

    /// <summary>The first images, starting at 0.</summary>
    public static ImageRange OfFirst(long count) => new(0, count);
}
