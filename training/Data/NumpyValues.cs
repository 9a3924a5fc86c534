using OnnxVae.Inference;

namespace OnnxVae.Training.Data;

/// <summary>Real numbers in a NumPy array of any type, in units of their own: vectors, series, images or volumes.</summary>
internal sealed class NumpyValues : NumpySource
{
    private const int BitsOfReals = 32;

    private readonly Action<long, Span<float>> read;
    private bool isUnitRange;

    private NumpyValues(ArrayShape shape, bool isUnitRange, Action<long, Span<float>> read)
        : base(shape) => (this.isUnitRange, this.read) = (isUnitRange, read);

    /// <inheritdoc/>
    public override int BitDepth => BitsOfReals;

    /// <inheritdoc/>
    public override bool IsUnitRange => isUnitRange;

    /// <summary>Makes its range that of other arrays of the same data, which have values outside [0, 1].</summary>
    public void LeaveUnitRange() => isUnitRange = false;

    /// <inheritdoc/>
    /// <remarks>Rounded, of numbers from 0 to 1.</remarks>
    public override void Read(long index, Span<byte> pixels)
    {
        if (!isUnitRange)
        {
            throw new InvalidOperationException("The examples are real numbers, not pixels.");
        }

        var values = new float[pixels.Length];
        read(index, values);
        Pixels.ToBytes(values, pixels);
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values) => read(index, values);

    /// <summary>The examples of an array of finite numbers in memory.</summary>
    /// <param name="array">The array.</param>
    /// <param name="shape">What it holds.</param>
    public static NumpyValues FromArray(NumpyArray array, ArrayShape shape)
    {
        int size = shape.Example.Dimensions;
        var values = new float[array.Count];
        for (long i = 0; i < values.Length; i++)
        {
            values[i] = (float)array[(i / size * size) + shape.PlaceOf((int)(i % size))];
        }

        return new NumpyValues(shape, array.IsUnitRange(), (index, example) => values.AsSpan((int)(index * size), size).CopyTo(example));
    }

    /// <summary>Examples that are read on demand.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="header">The array's header.</param>
    /// <param name="shape">What it holds.</param>
    /// <param name="readBytes">Reads its bytes.</param>
    public static NumpyValues FromFile(string path, NpyHeader header, ArrayShape shape, ArrayReader readBytes)
    {
        int size = shape.Example.Dimensions;
        return new NumpyValues(shape, isUnitRange: false, (index, example) =>
        {
            var bytes = new byte[size * header.ItemSize];
            readBytes(index * bytes.Length, bytes);
            for (int i = 0; i < size; i++)
            {
                int place = shape.PlaceOf(i);
                double value = header.Element(bytes, place);
                example[i] = float.IsFinite((float)value) ? (float)value : throw NumpyArray.NotFinite(path, header, value, (index * size) + place);
            }
        });
    }
}
