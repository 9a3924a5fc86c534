using OnnxVae.Format;
using OnnxVae.Inference.Internals;

namespace OnnxVae.Training.Data;

/// <summary>A vector for each image of a data set, that conditional models are given.</summary>
/// <remarks>Kept in memory, Float32 [N, K].</remarks>
public sealed class ImageConditions
{
    private readonly float[] values;

    private ImageConditions(float[] values, int size) => (this.values, Size) = (values, size);

    /// <summary>K, the length of a vector.</summary>
    public int Size { get; }

    /// <summary>N, the number of vectors.</summary>
    public long Count => values.Length / Size;

    /// <summary>Takes vectors.</summary>
    /// <param name="values">Float32 [N, K]; not copied.</param>
    /// <param name="size">K.</param>
    /// <exception cref="ArgumentException">The length is not a multiple of K.</exception>
    public static ImageConditions Of(float[] values, int size)
    {
        ArgumentNullException.ThrowIfNull(values);
        return size > 0 && values.Length > 0 && values.Length % size == 0 ? new ImageConditions(values, size)
            : throw new ArgumentException($"There are {values.Length} numbers; expected one or more vectors of {size}.", nameof(values));
    }

    /// <summary>Reads vectors from a file.</summary>
    /// <param name="file">A .npy of numbers of any type, [N, K] or [N], a row for each image.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not such an array, or a number in it is not finite.</exception>
    public static ImageConditions Read(string file)
    {
        byte[] content = RegularFile.Read(file);
        var header = Npy.ReadHeader(content, content.Length, file);
        if (header.Kind == 'b' || header.Shape is not ([> 0] or [> 0, > 0]))
        {
            throw new InvalidDataException($"'{file}' has type {header.TypeName} and shape {header.ShapeText}; conditions are numbers [N, K], a row for each image.");
        }

        long rows = header.Shape[0];
        int size = header.Shape.Length > 1 ? (int)header.Shape[1] : 1;
        var values = new float[rows * size];
        for (long i = 0; i < values.Length; i++)
        {
            var (row, column) = Math.DivRem(i, size);
            values[i] = (float)header.Element(content.AsSpan(header.Length), header.IsFortran ? (column * rows) + row : i);
        }

        return FiniteNumbers.IndexOfOther(values) is var index and >= 0
            ? throw new InvalidDataException($"'{file}' has {values[index]} in row {index / size}; conditions must be finite.")
            : new ImageConditions(values, size);
    }

    /// <summary>The vector of an image.</summary>
    /// <param name="index">The image's number in all data.</param>
    public ReadOnlySpan<float> this[long index] => values.AsSpan((int)index * Size, Size);

    /// <summary>Images with these vectors.</summary>
    /// <param name="images">The images.</param>
    /// <param name="positionOf">Maps the number of an image to that of its vector.</param>
    internal ImageSource Join(ImageSource images, Func<long, long> positionOf) => new Joined(images, this, positionOf);

    private sealed class Joined(ImageSource images, ImageConditions conditions, Func<long, long> positionOf) : DelegatingImageSource(images)
    {
        public override int ConditionSize => conditions.Size;

        public override void ReadValues(long index, Span<float> values) => Source.ReadValues(index, values);

        public override void ReadCondition(long index, Span<float> condition) => conditions[positionOf(index)].CopyTo(condition);
    }
}
