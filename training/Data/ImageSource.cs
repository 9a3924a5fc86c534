using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>Examples of one shape, accessed by number: images, or vectors, series and volumes of numbers, or rows of a table. Safe to read from several threads.</summary>
public abstract class ImageSource
{
    /// <summary>Images that take more bytes than this are read on demand.</summary>
    protected static readonly long LargestInMemory = Array.MaxLength;

    /// <summary>How many examples there are.</summary>
    public abstract long Count { get; }

    /// <summary>The shape of each.</summary>
    public abstract ExampleShape Shape { get; }

    /// <summary>1 for grayscale, 3 for red, green and blue, the columns of a vector.</summary>
    public int Channels => Shape.Channels;

    /// <summary>Rows of pixels; 1 for series and vectors.</summary>
    public int Height => Shape.Height;

    /// <summary>Columns of pixels, or the length of a series; 1 for vectors.</summary>
    public int Width => Shape.Width;

    /// <summary>Number of values in an example.</summary>
    public int ImageSize => Shape.Dimensions;

    /// <summary>Reads an image.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="pixels">Receives UInt8 [C, H, W].</param>
    /// <exception cref="InvalidOperationException">The examples are real numbers outside [0, 1].</exception>
    public abstract void Read(long index, Span<byte> pixels);

    /// <summary>The bits of a value: 8 or 16 for pixels, 32 for real numbers. 8-bit pixels are a rounded picture of 16, and of numbers from 0 to 1.</summary>
    public virtual int BitDepth => 8;

    /// <summary>Whether examples are real numbers, in units of their own, and not pixels.</summary>
    public bool IsReal => BitDepth > 16;

    /// <summary>Whether all values are known to be in [0, 1] when pixels are divided by the largest one, so that real numbers look like those.</summary>
    public virtual bool IsUnitRange => !IsReal;

    /// <summary>Whether the last axis of the array that they come from is that of channels.</summary>
    public virtual bool IsChannelsLast => false;

    /// <summary>The columns of the table whose rows the examples are, with NaN for missing values; null for other examples.</summary>
    public virtual TableSpec? Table => null;

    /// <summary>Whether examples come in groups that are alike, such as the windows of recordings, so that a split takes whole groups.</summary>
    public virtual bool IsGrouped => false;

    /// <summary>The group of an example.</summary>
    /// <param name="index">Its number, from 0.</param>
    public virtual long GroupOf(long index) => index;

    /// <summary>Reads an example as exported files take it: pixels divided by 255, or 16-bit values divided by 65,535, or real numbers in their own units.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="image">Receives Float32 [C, ...].</param>
    public void ReadImage(long index, Span<float> image)
    {
        if (BitDepth > 8)
        {
            ReadValues(index, image);
        }
        else
        {
            ReadPixels(index, image);
        }
    }

    /// <summary>Reads an example as real numbers: pixels divided by 255, or what they were rounded from, or the numbers themselves.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="values">Receives Float32 [C, ...].</param>
    public virtual void ReadValues(long index, Span<float> values) => ReadPixels(index, values);

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

    /// <summary>Whether examples have names of their own, and not just numbers.</summary>
    public virtual bool HasNames => false;

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

    /// <summary>Reads an image as 8-bit pixels, divided by 255.</summary>
    /// <param name="index">Its number, from 0.</param>
    /// <param name="values">Receives Float32 [C, H, W].</param>
    protected void ReadPixels(long index, Span<float> values)
    {
        Span<byte> pixels = new byte[ImageSize];
        Read(index, pixels);
        Pixels.ToFloat(pixels, values);
    }
}
