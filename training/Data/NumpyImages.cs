using System.Globalization;
using System.IO.Compression;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>
/// Images in a NumPy array, [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels: integers from 0 to 255 of any type, Booleans,
/// or floating-point numbers from 0 to 1, which are rounded to 8 bits. <c>.npz</c> archives may hold an array and labels for each split.
/// </summary>
public sealed class NumpyImages : ImageSource
{
    private const string ExpectedShapes = "[N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels";
    private const int RanksOfImages = 3; // at least
    private const double Rounding = 1e-3;

    private static readonly string[] LabelWords = ["label", "labels", "y", "target", "targets", "class", "classes"];

    private readonly PixelReader read;
    private readonly bool channelsLast;
    private int[]? labels;
    private IReadOnlyList<string> classes = [];

    private NumpyImages(long[] shape, PixelReader read, string source)
    {
        this.read = read;
        (bool Last, long Channels, long Height, long Width)? layout = shape switch
        {
            [_, var h, var w] => (false, 1, h, w),
            [_, 1 or 3, var h, var w] => (false, shape[1], h, w),
            [_, var h, var w, 1 or 3] => (true, shape[3], h, w),
            _ => null,
        };
        if (layout is not var (last, channels, height, width) || shape[0] < 1 || height < 1 || width < 1 || (Int128)channels * height * width > Array.MaxLength)
        {
            throw new InvalidDataException($"'{source}' has shape [{string.Join(", ", shape)}]; expected {ExpectedShapes}.");
        }

        (channelsLast, Channels, Height, Width, Count) = (last, (int)channels, (int)height, (int)width, shape[0]);
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

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => classes;

    /// <inheritdoc/>
    public override int LabelOf(long index) => labels is null ? base.LabelOf(index) : labels[index];

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
        int plane = Height * Width;
        for (int i = 0; i < image.Length; i++)
        {
            pixels[(i % Channels * plane) + (i / Channels)] = image[i];
        }
    }

    /// <summary>Opens a <c>.npy</c>, of any length, or <c>.npz</c>.</summary>
    internal static ImageData Open(string path)
    {
        if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
        {
            return ImageData.HoldOut(RegularFile.Length(path) <= LargestInMemory ? FromArray(RegularFile.Read(path, LargestInMemory), path) : FromFile(path));
        }

        var file = RegularFile.Open(path);
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return OpenArchive(archive, path);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException && e.Source != typeof(NumpyImages).Assembly.GetName().Name)
        {
            throw new InvalidDataException($"'{path}' is not a valid .npz archive, or is compressed in a way that is not read: fetch it again, or write it with numpy.savez.", e);
        }
    }

    private static ImageData OpenArchive(ZipArchive archive, string path)
    {
        var passedOver = new PassedOver();
        var arrays = archive.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal)
            .Select(entry => (Entry: entry, Header: PeekHeader(entry), Split: SplitNames.In(entry.Name))).ToArray();
        var images = arrays.Where(array => array.Header is { } header && header.Shape.Length >= RanksOfImages)
            .GroupBy(array => array.Split ?? SplitKind.Train).ToDictionary(split => split.Key, split => split.First());
        if (images.Count == 0)
        {
            throw new InvalidDataException($"'{path}' holds no array of images: expected {ExpectedShapes}.");
        }

        var sources = images.ToDictionary(split => split.Key, split => FromArray(ReadAll(split.Value.Entry, path), $"{path}/{split.Value.Entry.Name}"));
        var labels = images.Keys.Select(split => (Split: split, Array: Array.Find(
            arrays, array => (array.Split ?? SplitKind.Train) == split && IsOfLabels(array.Entry.Name, array.Header, sources[split].Count)))).ToArray();
        bool areLabelled = Array.TrueForAll(labels, label => label.Array.Entry is not null);
        if (areLabelled)
        {
            Label(sources, labels.ToDictionary(label => label.Split, label => ReadLabels(label.Array.Entry, path)));
        }

        foreach (var array in arrays.Where(array => !images.ContainsValue(array) && !(areLabelled && labels.Any(label => label.Array.Entry == array.Entry))))
        {
            passedOver.Add($"array '{array.Entry.Name}'", array.Header is null ? "not an array of numbers" : $"of shape {array.Header.ShapeText}, neither images nor the labels of all images");
        }

        if (sources.Count == 1 && !sources.ContainsKey(SplitKind.Train))
        {
            passedOver.AddLoneSplit(sources.Keys.Single());
        }

        return (sources.Count == 1 ? ImageData.HoldOut(sources.Values.Single()) : ImageData.FromSplits(
            sources.GetValueOrDefault(SplitKind.Train), sources.GetValueOrDefault(SplitKind.Validation), sources.GetValueOrDefault(SplitKind.Test))) with
        {
            PassedOver = passedOver.Phrases,
        };
    }

    private static bool IsOfLabels(string name, NpyHeader? header, long images) =>
        header is { Kind: 'u' or 'i' or 'b', Shape: [_] or [_, 1] } && header.Shape[0] == images
        && SplitNames.Words(Path.GetFileNameWithoutExtension(name)).Any(LabelWords.Contains);

    // The classes of all splits are those that occur in any of them.
    private static void Label(Dictionary<SplitKind, NumpyImages> sources, Dictionary<SplitKind, long[]> labels)
    {
        long[] known = [.. labels.Values.SelectMany(values => values).Distinct().Order()];
        string[] names = [.. known.Select(label => label.ToString(CultureInfo.InvariantCulture))];
        foreach (var (split, source) in sources)
        {
            source.labels = [.. labels[split].Select(label => Array.BinarySearch(known, label))];
            source.classes = names;
        }
    }

    private static long[] ReadLabels(ZipArchiveEntry entry, string path)
    {
        byte[] file = ReadAll(entry, path);
        var header = Npy.ReadHeader(file, file.Length, $"{path}/{entry.Name}");
        var data = file.AsSpan(header.Length);
        var labels = new long[(int)header.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = (long)header.Element(data, i);
        }

        return labels;
    }

    private static NumpyImages FromArray(byte[] file, string source)
    {
        var header = Npy.ReadHeader(file, file.Length, source);
        var pixels = header is { DataType: "|u1", IsFortran: false } ? file.AsMemory(header.Length) : ToPixels(header, file.AsMemory(header.Length), source);
        return new NumpyImages(header.Shape, (position, image) => pixels.Span.Slice((int)position, image.Length).CopyTo(image), source);
    }

    /// <summary>Opens a <c>.npy</c> whose images are read on demand.</summary>
    internal static NumpyImages FromFile(string path)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        byte[] start = new byte[Math.Min(Npy.LongestHeader, RandomAccess.GetLength(file))];
        Read(start, 0);
        var header = Npy.ReadHeader(start, RandomAccess.GetLength(file), path);
        return header is { DataType: "|u1", IsFortran: false } ? new NumpyImages(header.Shape, (position, pixels) => Read(pixels, header.Length + position), path) : throw new InvalidDataException(
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
            $"'{source}' holds {header.TypeName}, and value {position % (count / header.Shape[0])} of image {position / (count / header.Shape[0])} is {header.Element(data, stored)}; expected pixels: whole numbers from 0 to 255, or numbers from 0 to 1."));
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

    private static NpyHeader? PeekHeader(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        var start = new byte[1024];
        int length = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Npy.TryReadHeader(start.AsSpan(0, length));
    }

    // Reads as many bytes as the header says, which the archive must confirm.
    private static byte[] ReadAll(ZipArchiveEntry entry, string path)
    {
        var header = PeekHeader(entry)!;
        var length = header.Length + (header.Count * header.ItemSize);
        if (length > LargestInMemory || length != entry.Length)
        {
            throw new InvalidDataException(
                $"'{path}/{entry.Name}' cannot be used: an array of type {header.DataType} and shape {header.ShapeText} takes {length} bytes with its header, the archive says {entry.Length}, and at most {LargestInMemory} are read.");
        }

        using var content = entry.Open();
        return RegularFile.ReadUpTo(content, (long)length);
    }
}
