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
    /// <param name="file">A .npy of Float32 or Float64, [N, K] or [N], a row for each image.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not such an array, or a number in it is not finite.</exception>
    public static ImageConditions Read(string file)
    {
        var (type, shape, data) = Npy.Read(RegularFile.Read(file), $"'{file}'");
        if (type is not ("<f4" or "<f8") || shape is not ([> 0] or [> 0, > 0]))
        {
            throw new InvalidDataException($"'{file}' has type {type} and shape [{string.Join(", ", shape)}]; conditions are float32 [N, K], a row for each image.");
        }

        var values = new float[data.Length / (type[2] - '0')];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = type == "<f4" ? BitConverter.ToSingle(data.Span.Slice(i * sizeof(float), sizeof(float))) : (float)BitConverter.ToDouble(data.Span.Slice(i * sizeof(double), sizeof(double)));
        }

        int size = shape.Length > 1 ? (int)shape[1] : 1;
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

        public override bool HasRealValues => Source.HasRealValues;

        public override void ReadValues(long index, Span<float> values) => Source.ReadValues(index, values);

        public override void ReadCondition(long index, Span<float> condition) => conditions[positionOf(index)].CopyTo(condition);
    }
}
