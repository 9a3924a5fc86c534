using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>
/// Images in a NumPy array, [N, H, W], [N, C, H, W] or [N, H, W, C]: integers from 0 to 255 of any type, uint16 with larger ones, Booleans, or floating-point
/// numbers from 0 to 1, which are rounded to 8 bits.
/// </summary>
internal sealed class NumpyImages : ImageSource
{
    /// <summary>The shapes that arrays of images have.</summary>
    public const string ExpectedShapes = "[N, H, W], [N, C, H, W] or [N, H, W, C]";

    /// <summary>The least number of axes that they have.</summary>
    public const int LowestRank = 3;

    private const double Rounding = 1e-3;

    private readonly PixelReader read;
    private readonly ushort[]? words; // the array, if its values have 16 bits
    private readonly bool channelsLast;

    private NumpyImages(long[] shape, PixelReader read, string source, ImageOptions options, ushort[]? words = null)
    {
        (this.read, this.words) = (read, words);
        channelsLast = LayoutOf(shape, options) switch
        {
            _ when shape.Length is not (LowestRank or LowestRank + 1) || shape.Any(size => size < 1) || shape.Skip(1).Aggregate((Int128)1, (product, size) => product * size) > Array.MaxLength =>
                throw new InvalidDataException($"'{source}' has shape [{string.Join(", ", shape)}]; expected {ExpectedShapes}, with no size below 1."),
            { } layout => layout == ImageLayout.ChannelsLast,
            null => throw new InvalidDataException($"'{source}' has shape [{string.Join(", ", shape)}], whose second axis could be that of channels, or its last one: say which layout it has."),
        };
        int[] sizes = [.. shape.Skip(1).Select(size => (int)size)];
        (Channels, Height, Width) = sizes.Length < LowestRank ? (1, sizes[0], sizes[1]) : channelsLast ? (sizes[2], sizes[0], sizes[1]) : (sizes[0], sizes[1], sizes[2]);
        Count = shape[0];
    }

    // Reads bytes of the array, starting at a position.
    private delegate void PixelReader(long position, Span<byte> pixels);

    /// <inheritdoc/>
    public override long Count { get; }

    /// <inheritdoc/>
    public override int Channels { get; }

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>What precedes an image's number in its name, to tell it from those of other arrays.</summary>
    public string NamePrefix { get; set; } = "";

    /// <inheritdoc/>
    public override string NameOf(long index) => $"{NamePrefix}{base.NameOf(index)}";

    /// <inheritdoc/>
    public override int BitDepth => words is null ? 8 : 16;

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        if (!channelsLast)
        {
            read(index * ImageSize, pixels);
            return;
        }

        var image = new byte[ImageSize];
        read(index * ImageSize, image);
        for (int i = 0; i < image.Length; i++)
        {
            pixels[i] = image[PlaceOf(i)];
        }
    }

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values)
    {
        if (words is null)
        {
            base.ReadValues(index, values);
            return;
        }

        for (int i = 0; i < values.Length; i++)
        {
            values[i] = words[(index * ImageSize) + PlaceOf(i)] / (float)ushort.MaxValue;
        }
    }

    // The place of a value, planar, in its image as it is stored.
    private int PlaceOf(int i)
    {
        int plane = Height * Width;
        return channelsLast ? (i % plane * Channels) + (i / plane) : i;
    }

    /// <summary>Opens a <c>.npy</c>; one of more than 2 GB is read on demand.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What is known of its layout.</param>
    /// <exception cref="InvalidDataException">It is damaged, or holds no images.</exception>
    public static NumpyImages Open(string path, ImageOptions options) =>
        RegularFile.Length(path) <= LargestInMemory ? FromArray(RegularFile.Read(path, LargestInMemory), path, options) : FromFile(path, options);

    /// <summary>The images of an array in memory.</summary>
    /// <param name="file">The bytes of a <c>.npy</c>.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <param name="options">What is known of its layout.</param>
    public static NumpyImages FromArray(byte[] file, string source, ImageOptions options)
    {
        var header = Npy.ReadHeader(file, file.Length, source);
        if (header.IsUInt16 && (options.BitDepth ?? DepthOf(header, file.AsSpan(header.Length))) > 8)
        {
            ushort[] words = ToWords(header, file.AsMemory(header.Length));
            return new NumpyImages(header.Shape, (position, image) => Round(words.AsSpan((int)position, image.Length), image), source, options, words);
        }

        var pixels = header is { DataType: "|u1", IsFortran: false } ? file.AsMemory(header.Length) : ToPixels(header, file.AsMemory(header.Length), source);
        return new NumpyImages(header.Shape, (position, image) => pixels.Span.Slice((int)position, image.Length).CopyTo(image), source, options);
    }

    /// <summary>Opens a <c>.npy</c> whose images are read on demand.</summary>
    /// <inheritdoc cref="Open"/>
    public static NumpyImages FromFile(string path, ImageOptions options)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        byte[] start = new byte[Math.Min(Npy.LongestHeader, RandomAccess.GetLength(file))];
        Read(start, 0);
        var header = Npy.ReadHeader(start, RandomAccess.GetLength(file), path);
        return header is { DataType: "|u1", IsFortran: false } ? new NumpyImages(header.Shape, (position, pixels) => Read(pixels, header.Length + position), path, options) : throw new InvalidDataException(
            $"'{path}' holds {header.TypeName}{(header.IsFortran ? " in Fortran order" : "")} and has more than {LargestInMemory} bytes; arrays of that size must be uint8 in C order.");

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

    /// <summary>The bits that the values of an array of uint16 need, 8 or 16.</summary>
    public static int DepthOf(NpyHeader header, ReadOnlySpan<byte> data) => Largest(header, data, (long)header.Count) > byte.MaxValue ? 16 : 8;

    private static void Round(ReadOnlySpan<ushort> words, Span<byte> pixels)
    {
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)(((words[i] * byte.MaxValue) + (ushort.MaxValue / 2)) / ushort.MaxValue);
        }
    }

    private static ushort[] ToWords(NpyHeader header, ReadOnlyMemory<byte> data)
    {
        var words = new ushort[(long)header.Count];
        foreach (var (stored, position) in Positions(header, words.Length))
        {
            words[position] = (ushort)header.Element(data.Span, stored);
        }

        return words;
    }

    // Booleans become black and white; if no float exceeds 1, floats are scaled from [0, 1]; other numbers are pixel values already.
    private static byte[] ToPixels(NpyHeader header, ReadOnlyMemory<byte> data, string source)
    {
        long count = (long)header.Count;
        double scale = header.Kind == 'b' ? byte.MaxValue : header.Kind == 'f' && Largest(header, data.Span, count) <= 1 + Rounding ? byte.MaxValue : 1;
        var pixels = new byte[count];
        foreach (var (stored, position) in Positions(header, count))
        {
            double value = header.Element(data.Span, stored) * scale, pixel = Math.Round(value, MidpointRounding.AwayFromZero);
            bool isPixel = pixel is >= 0 and <= byte.MaxValue && (scale > 1 || value == pixel);
            pixels[position] = isPixel ? (byte)pixel : throw NoPixel(header, data.Span, source, stored, position);
        }

        return pixels;
    }

    // If a number between 0 and 1 is not a valid pixel, that is because another value is outside [0, 1]: report that one.
    private static InvalidDataException NoPixel(NpyHeader header, ReadOnlySpan<byte> data, string source, long stored, long position)
    {
        long count = (long)header.Count;
        if (header.Element(data, stored) is > 0 and < 1)
        {
            foreach (var (otherStored, otherPosition) in Positions(header, count))
            {
                if (!(header.Element(data, otherStored) is >= 0 and <= 1))
                {
                    (stored, position) = (otherStored, otherPosition);
                    break;
                }
            }
        }

        return new InvalidDataException(string.Create(
            CultureInfo.InvariantCulture,
            $"'{source}' holds {header.TypeName}, and value {position % (count / header.Shape[0])} of image {position / (count / header.Shape[0])} is {header.Element(data, stored)}; expected pixels: whole numbers from 0 to 255, uint16, or numbers from 0 to 1."));
    }

    private static double Largest(NpyHeader header, ReadOnlySpan<byte> data, long count)
    {
        double largest = 0;
        for (long i = 0; i < count; i++)
        {
            largest = Math.Max(largest, header.Element(data, i));
        }

        return largest;
    }

    // The storage index of each element, and its index in row-major order.
    private static IEnumerable<(long Stored, long Position)> Positions(NpyHeader header, long count)
    {
        long[] index = new long[header.Shape.Length];
        for (long position = 0; position < count; position++)
        {
            long stored = position;
            if (header.IsFortran)
            {
                stored = 0;
                for (int axis = index.Length - 1; axis >= 0; axis--)
                {
                    stored = (stored * header.Shape[axis]) + index[axis];
                }
            }

            yield return (stored, position);
            for (int axis = index.Length - 1; axis >= 0 && ++index[axis] == header.Shape[axis]; axis--)
            {
                index[axis] = 0;
            }
        }
    }

    // Grayscale and color are told by their numbers of channels, others by the other two axes, if these are alike.
    private static ImageLayout? LayoutOf(long[] shape, ImageOptions options) => shape switch
    {
        [_, _, _] => ImageLayout.ChannelsFirst,
        [_, var a, var b, var c] =>
            options.Layout is { } given ? given
            : options is { Channels: { } channels, Size: { } size } && (a, b, c) == (channels, size.Height, size.Width) ? ImageLayout.ChannelsFirst
            : options is { Channels: { } number, Size: { } sides } && (c, a, b) == (number, sides.Height, sides.Width) ? ImageLayout.ChannelsLast
            : a is 1 or 3 ? ImageLayout.ChannelsFirst
            : c is 1 or 3 ? ImageLayout.ChannelsLast
            : b == c && a != b ? ImageLayout.ChannelsFirst
            : a == b && b != c ? ImageLayout.ChannelsLast
            : null,
        _ => null,
    };
}
