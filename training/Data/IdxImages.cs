using System.Buffers.Binary;
using System.IO.Compression;

namespace OnnxVae.Training.Data;

/// <summary>Images in the IDX format of MNIST and its kin: big-endian header, then UInt8 [N, H, W]; plain or gzipped.</summary>
/// <remarks>LeCun, Cortes and Burges, The MNIST database of handwritten digits, "File formats".</remarks>
public sealed class IdxImages : ImageSource
{
    private const int ImageMagic = 0x803; // unsigned bytes, three dimensions
    private const int HeaderLength = 16;

    private static readonly string[] TestNames = ["test", "t10k"];

    private readonly byte[] pixels;

    private IdxImages(byte[] pixels, int height, int width) => (this.pixels, Height, Width) = (pixels, height, width);

    /// <inheritdoc/>
    public override long Count => pixels.Length / ImageSize;

    /// <inheritdoc/>
    public override int Channels => 1;

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>Whether a folder holds IDX images.</summary>
    internal static bool IsIdxFolder(string folder) => ImageFilesIn(folder).Length > 0;

    /// <summary>Opens the training and test files of a folder; a single file is divided.</summary>
    internal static ImageData OpenFolder(string folder)
    {
        string[] files = ImageFilesIn(folder);
        string[] test = [.. files.Where(file => TestNames.Any(name => Path.GetFileName(file).Contains(name, StringComparison.OrdinalIgnoreCase)))];
        string[] train = [.. files.Except(test)];
        return (train, test) switch
        {
            ([var only], []) => ImageData.HoldOut(Open(only)),
            ([var first], [var second]) => ImageData.FromSplits(Open(first), Open(second)),
            _ => throw new InvalidDataException(
                $"'{folder}' has several IDX image files ({string.Join(", ", files.Select(Path.GetFileName))}): leave one for training, and one with 'test' or 't10k' in its name."),
        };
    }

    /// <summary>Reads one file.</summary>
    /// <exception cref="InvalidDataException">The file is corrupt, truncated, or of another format.</exception>
    public static IdxImages Open(string path)
    {
        byte[] file = ReadAll(path);
        if (file.Length < HeaderLength || Int(file, 0) != ImageMagic)
        {
            throw new InvalidDataException(
                $"'{path}' is no IDX image file: its magic number is {(file.Length < 4 ? "missing" : $"0x{Int(file, 0):X8}")}, expected 0x{ImageMagic:X8}.");
        }

        int count = Int(file, 4), height = Int(file, 8), width = Int(file, 12);
        long expected = HeaderLength + ((long)count * height * width);
        if (count < 1 || height < 1 || width < 1 || file.Length != expected)
        {
            throw new InvalidDataException(
                $"'{path}' is damaged: its header promises {count} images of {height} x {width}, {expected} bytes, but it has {file.Length}. Fetch it again.");
        }

        return new IdxImages(file[HeaderLength..], height, width);
    }

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => this.pixels.AsSpan(checked((int)(index * ImageSize)), ImageSize).CopyTo(pixels);

    private static string[] ImageFilesIn(string folder) =>
        [.. Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file).Contains("idx3-ubyte", StringComparison.OrdinalIgnoreCase))
            .GroupBy(file => Path.GetFileName(file).Replace(".gz", "", StringComparison.OrdinalIgnoreCase)).Select(same => same.Min(StringComparer.Ordinal)!)
            .Order(StringComparer.Ordinal)];

    private static byte[] ReadAll(string path)
    {
        if (!path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            return File.ReadAllBytes(path);
        }

        try
        {
            using var file = File.OpenRead(path);
            using var gzip = new GZipStream(file, CompressionMode.Decompress);
            using var content = new MemoryStream();
            gzip.CopyTo(content);
            return content.ToArray();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}' is not a valid gzip file: fetch it again.", e);
        }
    }

    private static int Int(byte[] file, int offset) => BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(offset));
}
