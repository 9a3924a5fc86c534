using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>Where a job's images go. What is there under its final name is complete; the rest is made again after a crash.</summary>
internal abstract class ImageOutput : IDisposable
{
    /// <summary>Opens an output; what an interrupted job left behind is taken up again.</summary>
    /// <param name="paths">Where.</param>
    /// <param name="images">What is written.</param>
    /// <param name="corrupt">The images that are left out; null where none can be.</param>
    public static ImageOutput Open(JobPaths paths, OutputImages images, CorruptImages? corrupt = null) => paths switch
    {
        { IsPicture: true } => new SinglePicture(paths.Output, images),
        { IsFolder: true } => new ImageFolder(paths.Output, images, corrupt),
        { Extension: JobPaths.TarExtension } => new TarShards(paths.Output, images, corrupt),
        _ => new NpyImages(paths.Array, images, corrupt),
    };

    /// <summary>The images that are not there yet.</summary>
    public abstract IReadOnlyList<ImageRange> Missing { get; }

    /// <summary>Does the work that needs no order; called from several threads.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="images">Float32 [N, C, H, W], values in [0, 1].</param>
    /// <returns>What is to be done when it is these images' turn.</returns>
    public abstract JobStep Prepare(long first, ReadOnlySpan<float> images);

    /// <summary>Brings everything under its final name.</summary>
    public virtual void Finish()
    {
    }

    public virtual void Dispose()
    {
    }
}

/// <summary>What an output is made of.</summary>
/// <param name="Channels">C, 1 or 3.</param>
/// <param name="Height">H.</param>
/// <param name="Width">W.</param>
/// <param name="Range">The numbers of this shard's images.</param>
/// <param name="Total">How many images all shards have.</param>
/// <param name="Format">The codec of image files.</param>
/// <param name="Names">The names of what they are made from; null where they have numbers only.</param>
internal sealed record OutputImages(int Channels, int Height, int Width, ImageRange Range, long Total, ImageFormat Format, OutputNames? Names = null)
{
    public int Size => Channels * Height * Width;

    /// <summary>Pixels as UInt8.</summary>
    public static byte[] ToBytes(ReadOnlySpan<float> images)
    {
        var pixels = new byte[images.Length];
        Pixels.ToBytes(images, pixels);
        return pixels;
    }

    /// <summary>Encodes images, without those that are left out.</summary>
    public IEnumerable<(long Number, byte[] File)> Encode(long first, byte[] pixels, CorruptImages? corrupt)
    {
        for (int i = 0; i < pixels.Length / Size; i++)
        {
            if (corrupt?.Contains(first + i) != true)
            {
                yield return (first + i, Format.Encode(pixels.AsSpan(i * Size, Size), Channels, Height, Width));
            }
        }
    }
}
