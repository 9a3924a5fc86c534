using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch.Outputs;

/// <summary>The output of a job's images. A file under its final name is complete; the rest is written again after a crash.</summary>
internal abstract class ImageOutput : IDisposable
{
    /// <summary>Opens an output, and resumes what an interrupted job left behind.</summary>
    /// <param name="paths">Where to write.</param>
    /// <param name="images">What is written.</param>
    /// <param name="corrupt">The skipped images; null if none can be skipped.</param>
    public static ImageOutput Open(JobPaths paths, OutputImages images, CorruptImages? corrupt = null) => paths switch
    {
        { IsPicture: true } => new SinglePicture(paths.Output, images),
        { IsFolder: true } => new ImageFolder(paths.Output, images, corrupt),
        { IsTable: true } => new TableImages(paths, images),
        { Extension: JobPaths.TarExtension } => new TarShards(paths.Output, images, corrupt),
        _ => new NpyImages(paths.Array, images, corrupt),
    };

    /// <summary>The images that have not been written yet.</summary>
    public abstract IReadOnlyList<ImageRange> Missing { get; }

    /// <summary>Does the work that can be done out of order; called from several threads.</summary>
    /// <param name="first">The number of the first image.</param>
    /// <param name="images">Float32 [N, C, ...], values in [0, 1] or in the data's units.</param>
    /// <returns>The work that remains to be done in order.</returns>
    public abstract JobStep Prepare(long first, ReadOnlySpan<float> images);

    /// <summary>Renames everything to its final name.</summary>
    public virtual void Finish()
    {
    }

    public virtual void Dispose()
    {
    }
}

/// <summary>The images of an output.</summary>
/// <param name="Model">The model, which determines their shape and range.</param>
/// <param name="Range">The numbers of this shard's images.</param>
/// <param name="Total">The number of images in all shards together.</param>
/// <param name="Format">The codec of image files.</param>
/// <param name="Names">The names of the images that they are made from; null if those are only numbered.</param>
internal sealed record OutputImages(ModelMetadata Model, ImageRange Range, long Total, ImageFormat Format, OutputNames? Names = null)
{
    public int Size => Model.ImageSize;

    /// <summary>Whether a .npy holds Float32 instead of 8-bit pixels.</summary>
    public bool IsReal { get; init; }

    /// <summary>Converts pixels to UInt8.</summary>
    public static byte[] ToBytes(ReadOnlySpan<float> images)
    {
        var pixels = new byte[images.Length];
        Pixels.ToBytes(images, pixels);
        return pixels;
    }

    /// <summary>Encodes images, without the skipped ones.</summary>
    public IEnumerable<(long Number, byte[] File)> Encode(long first, byte[] pixels, CorruptImages? corrupt)
    {
        for (int i = 0; i < pixels.Length / Size; i++)
        {
            if (corrupt?.Contains(first + i) != true)
            {
                yield return (first + i, Format.Encode(pixels.AsSpan(i * Size, Size), Model.Channels, Model.Height, Model.Width));
            }
        }
    }
}
