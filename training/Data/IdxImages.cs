using System.Buffers.Binary;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>Images in MNIST's IDX format: big-endian header, then UInt8 [N, H, W]; plain or gzipped.</summary>
/// <remarks>LeCun, Cortes and Burges, The MNIST database of handwritten digits, "File formats".</remarks>
public sealed class IdxImages : ImageSource
{
    private const int ImageMagic = 0x803; // unsigned bytes, three dimensions
    private const int LabelMagic = 0x801; // unsigned bytes, one dimension
    private const int HeaderLength = 16;
    private const int LabelHeaderLength = 8;

    private const string ImageFiles = "idx3-ubyte", LabelFiles = "idx1-ubyte";

    private static readonly string[] TestNames = ["test", "t10k"];
    private static readonly string[] ValidationNames = ["valid", "validation"];

    private readonly byte[] pixels;
    private readonly byte[]? labels;
    private IReadOnlyList<string> classes;

    private IdxImages(byte[] pixels, int height, int width, byte[]? labels)
    {
        (this.pixels, Shape, this.labels) = (pixels, new ExampleShape(1, height, width), labels);
        classes = labels is null ? [] : [.. Enumerable.Range(0, labels.Max() + 1).Select(label => $"{label}")];
    }

    /// <inheritdoc/>
    public override long Count => pixels.Length / ImageSize;

    /// <inheritdoc/>
    public override ExampleShape Shape { get; }

    /// <summary>Whether a folder holds IDX images.</summary>
    internal static bool IsIdxFolder(string folder) => FilesIn(folder, ImageFiles).Length > 0;

    /// <summary>Opens the files of a folder, one for training and optionally one each for validation and testing; a single file is split.</summary>
    internal static ImageData OpenFolder(string folder)
    {
        string[] files = FilesIn(folder, ImageFiles);
        string[] test = Named(TestNames), validation = [.. Named(ValidationNames).Except(test)], train = [.. files.Except(test).Except(validation)];
        if (test.Length > 1 || validation.Length > 1 || train.Length > 1 || (files.Length > 1 && train.Length == 0))
        {
            throw new InvalidDataException(
                $"'{folder}' has several IDX image files ({string.Join(", ", files.Select(Path.GetFileName))}): leave one for training, and one with 'test' or 't10k' in its name.");
        }

        IdxImages[] sources = [.. files.Select(Open)];
        var names = sources.MaxBy(source => source.Classes.Count)!.Classes;
        foreach (var source in sources.Where(source => source.Classes.Count > 0))
        {
            source.classes = names; // not every split has images of every class
        }

        return files.Length == 1 ? ImageData.HoldOut(sources[0]) : ImageData.FromSplits(Of(train), Of(validation), Of(test));

        string[] Named(string[] names) => [.. files.Where(file => names.Any(name => Path.GetFileName(file).Contains(name, StringComparison.OrdinalIgnoreCase)))];

        IdxImages? Of(string[] of) => of.Length == 0 ? null : sources[Array.IndexOf(files, of[0])];
    }

    /// <summary>Reads one file, with its labels if a file next to it has the same name with "labels" instead of "images".</summary>
    /// <exception cref="InvalidDataException">The file is corrupt, truncated, or in another format.</exception>
    public static IdxImages Open(string path)
    {
        using var content = OpenContent(path);
        var header = new byte[HeaderLength];
        int read = ReadAtMost(content, header, path);
        if (read < HeaderLength || Int(header, 0) != ImageMagic)
        {
            throw new InvalidDataException(
                $"'{path}' is not an IDX image file: its magic number is {(read < 4 ? "missing" : $"0x{Int(header, 0):X8}")}, expected 0x{ImageMagic:X8}.");
        }

        int count = Int(header, 4), height = Int(header, 8), width = Int(header, 12);
        var expected = (Int128)count * height * width;
        if (count < 1 || height < 1 || width < 1 || expected > LargestInMemory)
        {
            throw new InvalidDataException(
                $"'{path}' cannot be used: its header promises {count} images of {height} x {width}; expected at least one image, and at most {LargestInMemory} bytes in all.");
        }

        byte[] pixels = ReadAll(content, (long)expected, path);
        long more = pixels.Length < expected ? 0 : CountMore(content, path);
        return pixels.Length == expected && more == 0 ? new IdxImages(pixels, height, width, LabelsOf(path, count)) : throw new InvalidDataException(
            $"'{path}' is damaged: its header promises {count} images of {height} x {width}, {HeaderLength + expected} bytes, but it has {(more > 1 ? "more" : $"{HeaderLength + pixels.Length + more}")}. Fetch it again.");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => classes;

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

        using var content = OpenContent(path);
        byte[] file = ReadAll(content, LabelHeaderLength + count + 1L, path);
        return file.Length == LabelHeaderLength + count && Int(file, 0) == LabelMagic && Int(file, 4) == count ? file[LabelHeaderLength..] : throw new InvalidDataException(
            $"'{path}' does not hold the labels of the {count} images next to it: expected {LabelHeaderLength + count} bytes that begin with 0x{LabelMagic:X8}. Fetch it again, or remove it.");

        static string Name(string path) => Path.GetFileName(path).Replace(".gz", "", StringComparison.OrdinalIgnoreCase);
    }

    private static string[] FilesIn(string folder, string kind) =>
        [.. Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file).Contains(kind, StringComparison.OrdinalIgnoreCase))
            .GroupBy(file => Path.GetFileName(file).Replace(".gz", "", StringComparison.OrdinalIgnoreCase)).Select(same => same.Min(StringComparer.Ordinal)!)
            .Order(StringComparer.Ordinal)];

    private static Stream OpenContent(string path) => GzipContent.Of(RegularFile.Open(path));

    private static byte[] ReadAll(Stream content, long length, string path) => Unzipped(path, () => RegularFile.ReadUpTo(content, length));

    private static int ReadAtMost(Stream content, byte[] bytes, string path) => Unzipped(path, () => content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));

    // Whether 0, 1 or more bytes follow.
    private static int CountMore(Stream content, string path) => ReadAtMost(content, new byte[2], path);

    private static T Unzipped<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}' is not a valid gzip file: fetch it again.", e);
        }
    }

    private static int Int(byte[] file, int offset) => BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(offset));
}
