using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The examples of a NumPy array of numbers or truth values, of any type and in any order: pixels, or real numbers.</summary>
/// <param name="shape">What the array holds.</param>
internal abstract class NumpySource(ArrayShape shape) : ImageSource
{
    /// <inheritdoc/>
    public override long Count => shape.Count;

    /// <inheritdoc/>
    public override ExampleShape Shape => shape.Example;

    /// <inheritdoc/>
    public override bool IsChannelsLast => shape.IsChannelsLast;

    /// <summary>What precedes an example's number in its name, to tell it from those of other arrays.</summary>
    public string NamePrefix { get; set; } = "";

    /// <summary>What the array holds.</summary>
    protected ArrayShape Contents => shape;

    /// <inheritdoc/>
    public override string NameOf(long index) => $"{NamePrefix}{base.NameOf(index)}";

    /// <summary>Opens a <c>.npy</c>; one of more than 2 GB is read on demand.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What is known of it.</param>
    /// <exception cref="InvalidDataException">It is damaged, or holds no examples.</exception>
    public static NumpySource Open(string path, ImageOptions options) =>
        RegularFile.Length(path) <= LargestInMemory ? FromArray(NumpyArray.Read(RegularFile.Read(path, LargestInMemory), path), options) : FromFile(path, options);

    /// <summary>The examples of an array in memory.</summary>
    /// <param name="array">The array.</param>
    /// <param name="options">What is known of it.</param>
    /// <exception cref="InvalidDataException">It holds no examples, or something that is not a number.</exception>
    public static NumpySource FromArray(NumpyArray array, ImageOptions options)
    {
        var values = (options.IsReal is { } isReal ? !isReal : AreImages(array.Header.Shape, options) && array.HoldsPixels()) ? ArrayValues.Pixels : array.IsUnitRange() ? ArrayValues.UnitRange : ArrayValues.Numbers;
        if (values != ArrayValues.Pixels)
        {
            array.RequireFinite();
        }

        var shape = ArrayShape.Of(array.Header.Shape, values, options, array.Source);
        return values == ArrayValues.Pixels && shape.Example.IsImage ? NumpyImages.FromArray(array, shape, options) : NumpyValues.FromArray(array, shape);
    }

    /// <summary>Opens a <c>.npy</c> whose examples are read on demand.</summary>
    /// <inheritdoc cref="Open"/>
    public static NumpySource FromFile(string path, ImageOptions options)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        byte[] start = new byte[Math.Min(Npy.LongestHeader, RandomAccess.GetLength(file))];
        Read(start, 0);
        var header = Npy.ReadHeader(start, RandomAccess.GetLength(file), path);
        if (header.IsFortran)
        {
            throw new InvalidDataException($"'{path}' is in Fortran order and has more than {LargestInMemory} bytes; arrays of that size must be in C order.");
        }

        bool holdsPixels = header.DataType == "|u1" && options.IsReal is not true && AreImages(header.Shape, options);
        var shape = ArrayShape.Of(header.Shape, holdsPixels ? ArrayValues.Pixels : ArrayValues.Numbers, options, path);
        return holdsPixels && shape.Example.IsImage ? NumpyImages.FromFile(shape, (position, pixels) => Read(pixels, header.Length + position))
            : options.IsReal is false ? throw new InvalidDataException($"'{path}' holds {header.TypeName} and has more than {LargestInMemory} bytes; pixels in arrays of that size must be uint8.")
            : NumpyValues.FromFile(path, header, shape, (position, bytes) => Read(bytes, header.Length + position));

        void Read(Span<byte> bytes, long position)
        {
            for (int count; !bytes.IsEmpty; bytes = bytes[count..], position += count)
            {
                count = RandomAccess.Read(file, bytes, position);
                if (count == 0)
                {
                    throw new EndOfStreamException($"'{path}' became shorter while it was read.");
                }
            }
        }
    }

    /// <summary>Whether examples may be images: not vectors, and not what is said to be something else.</summary>
    /// <param name="shape">The array's shape.</param>
    /// <param name="options">What is known of it.</param>
    internal static bool AreImages(long[] shape, ImageOptions options) =>
        options.Layout is { } layout ? layout is ArrayLayout.Nhw or ArrayLayout.Nchw or ArrayLayout.Nhwc : shape.Length is 3 or 4;
}

/// <summary>Reads bytes of an array, starting at a position.</summary>
internal delegate void ArrayReader(long position, Span<byte> bytes);
