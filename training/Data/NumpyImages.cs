using System.IO.Compression;

namespace OnnxVae.Training.Data;

/// <summary>Images in a NumPy array, UInt8 [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels; <c>.npz</c> archives may hold a training and a test array.</summary>
public sealed class NumpyImages : ImageSource
{
    private const int LargestHeader = 1 << 16;

    private readonly PixelReader read;
    private readonly bool channelsLast;

    private NumpyImages(long[] shape, PixelReader read, string source)
    {
        this.read = read;
        (channelsLast, Channels, Height, Width) = shape switch
        {
            [_, var h, var w] => (false, 1, (int)h, (int)w),
            [_, 1 or 3, var h, var w] => (false, (int)shape[1], (int)h, (int)w),
            [_, var h, var w, 1 or 3] => (true, (int)shape[3], (int)h, (int)w),
            _ => throw new InvalidDataException($"'{source}' has shape [{string.Join(", ", shape)}]; expected [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels."),
        };
        Count = shape[0];
    }

    // Reads bytes of the array, from one on.
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
            return ImageData.HoldOut(new FileInfo(path).Length <= LargestInMemory ? FromArray(File.ReadAllBytes(path), path) : FromFile(path));
        }

        try
        {
            using var archive = ZipFile.OpenRead(path);
            var arrays = archive.Entries.OrderBy(entry => entry.Name, StringComparer.Ordinal)
                .Where(IsImageArray)
                .Select(entry => (entry.Name, Images: FromArray(ReadAll(entry), $"{path}/{entry.Name}"))).ToArray();
            var test = Array.Find(arrays, array => array.Name.Contains("test", StringComparison.OrdinalIgnoreCase)).Images;
            var train = Array.Find(arrays, array => !array.Name.Contains("test", StringComparison.OrdinalIgnoreCase)).Images
                ?? throw new InvalidDataException($"'{path}' holds no array of images: expected UInt8 [N, H, W], [N, C, H, W] or [N, H, W, C].");
            return test is null ? ImageData.HoldOut(train) : ImageData.FromSplits(train, test);
        }
        catch (InvalidDataException e) when (!e.Message.Contains(path, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"'{path}' is not a valid .npz archive: fetch it again.", e);
        }
    }

    private static NumpyImages FromArray(byte[] file, string source)
    {
        var (type, shape, data) = Npy.Read(file, source);
        return OfBytes(type, shape, (position, pixels) => data.Span.Slice((int)position, pixels.Length).CopyTo(pixels), source);
    }

    /// <summary>Opens a <c>.npy</c> whose images are read when they are asked for.</summary>
    internal static NumpyImages FromFile(string path)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        byte[] start = new byte[Math.Min(LargestHeader, RandomAccess.GetLength(file))];
        Read(start, 0);
        var (type, shape, length) = Npy.ReadHeader(start, RandomAccess.GetLength(file), path);
        return OfBytes(type, shape, (position, pixels) => Read(pixels, length + position), path);

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

    private static NumpyImages OfBytes(string type, long[] shape, PixelReader read, string source) => type is "|u1"
        ? new NumpyImages(shape, read, source)
        : throw new InvalidDataException($"'{source}' holds elements of type {type}; expected unsigned bytes, |u1.");

    // Labels and other arrays may stand beside the images.
    private static bool IsImageArray(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        var start = new byte[256];
        int length = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Npy.TryReadHeader(start.AsMemory(0, length)) is ("|u1", { Length: >= 3 }, _);
    }

    private static byte[] ReadAll(ZipArchiveEntry entry)
    {
        using var content = entry.Open();
        var bytes = new byte[entry.Length];
        content.ReadExactly(bytes);
        return bytes;
    }
}
