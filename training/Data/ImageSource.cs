using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>Images of one shape, accessed by number. Safe to read from several threads.</summary>
public abstract class ImageSource
{
    /// <summary>Images that take more bytes than this are read on demand.</summary>
    protected static readonly long LargestInMemory = Array.MaxLength;

    /// <summary>How many images there are.</summary>
    public abstract long Count { get; }

    /// <summary>1 for grayscale, 3 for red, green and blue.</summary>
    public abstract int Channels { get; }

    /// <summary>Rows of pixels.</summary>
    public abstract int Height { get; }

    /// <summary>Columns of pixels.</summary>
    public abstract int Width { get; }

    /// <summary>Number of values in an image.</summary>
    public int ImageSize => Channels * Height * Width;

    /// <summary>Reads an image.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="pixels">Receives UInt8 [C, H, W].</param>
    public abstract void Read(long index, Span<byte> pixels);

    /// <summary>The bits of a value, 8 or 16; 8-bit pixels are a rounded picture of 16.</summary>
    public virtual int BitDepth => 8;

    /// <summary>Reads an image as exported files take it: pixels divided by 255, or 16-bit values divided by 65,535.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="image">Receives Float32 [C, H, W].</param>
    public void ReadImage(long index, Span<float> image)
    {
        if (BitDepth > 8)
        {
            ReadValues(index, image);
            return;
        }

        Span<byte> pixels = new byte[ImageSize];
        Read(index, pixels);
        Pixels.ToFloat(pixels, image);
    }

    /// <summary>Reads an image as real numbers: pixels divided by 255, or what they were rounded from.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="values">Receives Float32 [C, H, W].</param>
    public virtual void ReadValues(long index, Span<float> values)
    {
        Span<byte> pixels = new byte[ImageSize];
        Read(index, pixels);
        Pixels.ToFloat(pixels, values);
    }

    /// <summary>The number of segments that the images are known to consist of; 0 if their segments are not known.</summary>
    public virtual int Segments => 0;

    /// <summary>Reads the segment of each pixel, where it is known.</summary>
    /// <param name="index">The image's number, from 0.</param>
    /// <param name="segments">Receives UInt8 [H, W].</param>
    /// <exception cref="InvalidOperationException">The segments are not known.</exception>
    public virtual void ReadSegments(long index, Span<byte> segments) => throw new InvalidOperationException("The segments of the images are not known.");

    /// <summary>The entropy of an image's chroma given its luminance, nats; null where it is not known.</summary>
    /// <param name="index">The image's number, from 0.</param>
    public virtual double? ConditionalEntropyOf(long index) => null;

    /// <summary>The names of the images' classes; empty for images without labels.</summary>
    public virtual IReadOnlyList<string> Classes => [];

    /// <summary>The class of an image.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <returns>A position in <see cref="Classes"/>.</returns>
    /// <exception cref="InvalidOperationException">The images have no labels.</exception>
    public virtual int LabelOf(long index) => throw new InvalidOperationException("The images have no labels.");

    /// <summary>S, the number of values of the condition that comes with each image, for conditional models; 0 for images without one.</summary>
    public virtual int ConditionSize => 0;

    /// <summary>Reads the condition of an image.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="condition">Receives Float32 [S].</param>
    /// <exception cref="InvalidOperationException">The images have no conditions.</exception>
    public virtual void ReadCondition(long index, Span<float> condition) => throw new InvalidOperationException("The images have no conditions.");

    /// <summary>The image's name: a file name if there is one.</summary>
    public virtual string NameOf(long index) => $"{index}";

    /// <summary>A random subset, drawn without replacement, so that it contains all classes whatever the order of the files.</summary>
    /// <param name="count">How many, at most.</param>
    /// <param name="seed">Random seed.</param>
    public ImageSource Sample(long count, ulong seed)
    {
        var order = new Permutation(Count, seed, number: 0);
        return new SelectedImages(this, Math.Min(count, Count), index => (this, order[index]));
    }
}
