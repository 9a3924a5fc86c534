using System.Buffers.Binary;
using System.IO.Compression;

namespace OnnxVae.Training.Data;

/// <summary>Images in the IDX format of MNIST and its kin: big-endian header, then UInt8 [N, H, W]; plain or gzipped.</summary>
/// <remarks>LeCun, Cortes and Burges, The MNIST database of handwritten digits, "File formats".</remarks>
public sealed class IdxImages : ImageSource
{
    private const int ImageMagic = 0x803; // unsigned bytes, three dimensions
    private const int LabelMagic = 0x801; // unsigned bytes, one dimension
    private const int HeaderLength = 16;
    private const int LabelHeaderLength = 8;

    private const string ImageFiles = "idx3-ubyte", LabelFiles = "idx1-ubyte";

    private static readonly string[] TestNames = ["test", "t10k"];

    private readonly byte[] pixels;
    private readonly byte[]? labels;

    private IdxImages(byte[] pixels, int height, int width, byte[]? labels)
    {
        (this.pixels, Height, Width, this.labels) = (pixels, height, width, labels);
        Classes = labels is null ? [] : [.. Enumerable.Range(0, labels.Max() + 1).Select(label => $"{label}")];
    }

    /// <inheritdoc/>
    public override long Count => pixels.Length / ImageSize;

    /// <inheritdoc/>
    public override int Channels => 1;

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>Whether a folder holds IDX images.</summary>
    internal static bool IsIdxFolder(string folder) => FilesIn(folder, ImageFiles).Length > 0;

    /// <summary>Opens the training and test files of a folder; a single file is divided.</summary>
    internal static ImageData OpenFolder(string folder)
    {
        string[] files = FilesIn(folder, ImageFiles);
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

    /// <summary>Reads one file, with the labels of a file beside it whose name has "labels" for "images".</summary>
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

        return new IdxImages(file[HeaderLength..], height, width, LabelsOf(path, count));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public override int LabelOf(long index) => labels is null ? base.LabelOf(index) : labels[index];

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => this.pixels.AsSpan(checked((int)(index * ImageSize)), ImageSize).CopyTo(pixels);

    private static byte[]? LabelsOf(string images, int count)
    {
        string name = Name(images).Replace(ImageFiles, LabelFiles, StringComparison.OrdinalIgnoreCase).Replace("images", "labels", StringComparison.OrdinalIgnoreCase);
        string? path = Array.Find(
            FilesIn(Path.GetDirectoryName(Path.GetFullPath(images))!, LabelFiles), file => Name(file).Equals(name, StringComparison.OrdinalIgnoreCase));
        if (path is null)
        {
            return null;
        }

        byte[] file = ReadAll(path);
        return file.Length == LabelHeaderLength + count && Int(file, 0) == LabelMagic && Int(file, 4) == count ? file[LabelHeaderLength..] : throw new InvalidDataException(
            $"'{path}' does not hold the labels of the {count} images beside it: expected {LabelHeaderLength + count} bytes that begin with 0x{LabelMagic:X8}. Fetch it again, or remove it.");

        static string Name(string path) => Path.GetFileName(path).Replace(".gz", "", StringComparison.OrdinalIgnoreCase);
    }

    private static string[] FilesIn(string folder, string kind) =>
        [.. Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file).Contains(kind, StringComparison.OrdinalIgnoreCase))
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
