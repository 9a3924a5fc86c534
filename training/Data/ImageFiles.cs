using System.Formats.Tar;
using System.IO.Compression;
using SkiaSharp;

namespace OnnxVae.Training.Data;

/// <summary>Images in files that SkiaSharp reads (PNG, JPEG, WebP, GIF, BMP), from a folder or a tar.</summary>
public sealed class ImageFiles : ImageSource
{
    private const long LargestImage = 1 << 28; // pixels: a file of a few kilobytes can promise more than any memory has

    private static readonly string[] TarExtensions = [".tar", ".tar.gz", ".tgz"];

    private static readonly HashSet<string> Extensions = new([".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"], StringComparer.OrdinalIgnoreCase);

    private readonly IReadOnlyList<EncodedImage> files;
    private readonly byte[][]? decoded;
    private readonly Dictionary<string, int> labels;

    private ImageFiles(IReadOnlyList<EncodedImage> files, IReadOnlyList<string> classes, int channels, int height, int width, byte[][]? decoded)
    {
        (this.files, Channels, Height, Width, this.decoded, Classes) = (files, channels, height, width, decoded, classes);
        labels = classes.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
    }

    /// <inheritdoc/>
    public override long Count => files.Count;

    /// <inheritdoc/>
    public override int Channels { get; }

    /// <inheritdoc/>
    public override int Height { get; }

    /// <inheritdoc/>
    public override int Width { get; }

    /// <summary>Decodes the bytes of an image file; its centre, scaled to the size.</summary>
    /// <param name="name">What it is called, for messages.</param>
    /// <param name="content">The file.</param>
    /// <param name="channels">1 for grey, 3 for colour.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <returns>UInt8 [C, H, W].</returns>
    /// <exception cref="InvalidDataException">It is no image that can be read.</exception>
    public static byte[] Decode(string name, byte[] content, int channels, int height, int width)
    {
        var pixels = new byte[channels * height * width];
        try
        {
            new EncodedImage(name, () => content).Decode(channels, height, width, pixels);
            return pixels;
        }
        catch (CorruptImageException e)
        {
            throw new InvalidDataException($"'{name}' {e.Reason}: give a file like {string.Join(", ", Extensions)}.", e);
        }
    }

    /// <summary>Whether a path names a tar, by its extension.</summary>
    internal static bool IsTar(string path) =>
        TarExtensions.Any(extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase));

    /// <summary>Opens a folder with everything below it; folders <c>train</c> and <c>test</c> in it are the splits.</summary>
    internal static ImageData OpenFolder(string folder, ImageOptions options) => Divide(
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Extensions.Contains(Path.GetExtension(file)))
            .Select(file => new EncodedImage(Path.GetRelativePath(folder, file).Replace('\\', '/'), () => File.ReadAllBytes(file)))],
        folder, options);

    /// <summary>Opens a tar; the files of a gzipped one are held in memory as they are.</summary>
    internal static ImageData OpenTar(string path, ImageOptions options)
    {
        var files = new List<EncodedImage>();
        try
        {
            using var file = File.OpenRead(path);
            using Stream content = path.EndsWith("gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
            using var tar = new TarReader(content);
            while (tar.GetNextEntry() is { } entry)
            {
                if (entry is { DataStream: not null, EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile } && Extensions.Contains(Path.GetExtension(entry.Name)))
                {
                    files.Add(new EncodedImage(entry.Name, content == file ? ReaderAt(path, entry.DataOffset, entry.Length) : ReaderOf(entry)));
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new InvalidDataException($"'{path}' is not a valid tar file, or is truncated: fetch it again.", e);
        }

        return Divide(files, path, options);
    }

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        if (decoded is not null)
        {
            decoded[index].CopyTo(pixels);
            return;
        }

        files[(int)index].Decode(Channels, Height, Width, pixels);
    }

    /// <inheritdoc/>
    /// <remarks>The names of the folders that the images lie in, if all lie in some and there are several.</remarks>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public override int LabelOf(long index) => Classes.Count > 0 ? labels[files[(int)index].Class] : base.LabelOf(index);

    /// <inheritdoc/>
    public override string NameOf(long index) => files[(int)index].Name;

    private static Func<byte[]> ReaderAt(string path, long offset, long length) => () =>
    {
        using var file = File.OpenHandle(path);
        byte[] bytes = new byte[length];
        return RandomAccess.Read(file, bytes, offset) == length ? bytes : throw new EndOfStreamException($"'{path}' became shorter while it was read.");
    };

    private static Func<byte[]> ReaderOf(TarEntry entry)
    {
        byte[] bytes = new byte[entry.Length];
        entry.DataStream!.ReadExactly(bytes);
        return () => bytes;
    }

    private static ImageData Divide(List<EncodedImage> files, string source, ImageOptions options)
    {
        if (files.Count == 0)
        {
            throw new InvalidDataException($"'{source}' has no images: expected files {string.Join(", ", Extensions)}, or IDX files as of MNIST.");
        }

        files = [.. WithoutCommonFolder(files).OrderBy(file => file.Name, StringComparer.Ordinal)];
        if (options is { IsLazy: true, Size: var (rows, columns), Channels: { } planes })
        {
            return Divide(files, (part, classes) => new ImageFiles(part, classes, planes, rows, columns, decoded: null));
        }

        var headers = ReadHeaders(files, options);
        int channels = options.Channels ?? (headers.Any(header => header.IsColour) ? 3 : 1);
        var (height, width) = options.Size ?? CommonSize(headers);
        return Divide([.. headers.Select(header => header.File)], (part, classes) => Load(part, classes, channels, height, width, options.SkipCorrupt));
    }

    private static ImageData Divide(IReadOnlyList<EncodedImage> readable, Func<EncodedImage[], IReadOnlyList<string>, ImageFiles> open)
    {
        string[] classes = [.. readable.Select(file => file.Class).Distinct().Order(StringComparer.Ordinal)];
        classes = classes.Length > 1 && !classes.Contains("") ? classes : [];
        var test = readable.Where(file => file.Name.StartsWith("test/", StringComparison.Ordinal)).ToArray();
        var train = readable.Where(file => file.Name.StartsWith("train/", StringComparison.Ordinal)).ToArray();
        return test.Length > 0 && train.Length > 0 ? ImageData.FromSplits(open(train, classes), open(test, classes)) : ImageData.HoldOut(open([.. readable], classes));
    }

    // Archives often hold one folder with everything in it, or begin each name with "./".
    private static IEnumerable<EncodedImage> WithoutCommonFolder(List<EncodedImage> files)
    {
        string first = files[0].Name;
        int slash = first.IndexOf('/', StringComparison.Ordinal);
        string folder = slash < 0 ? "" : first[..(slash + 1)];
        return slash < 0 || folder is "train/" or "test/" || !files.TrueForAll(file => file.Name.StartsWith(folder, StringComparison.Ordinal))
            ? files
            : WithoutCommonFolder([.. files.Select(file => file with { Name = file.Name[folder.Length..] })]);
    }

    private static List<ImageHeader> ReadHeaders(List<EncodedImage> files, ImageOptions options)
    {
        var headers = new List<ImageHeader>();
        foreach (var file in files)
        {
            if (file.TryReadHeader() is { } header)
            {
                headers.Add(header);
            }
            else if (!options.SkipCorrupt)
            {
                throw file.Corrupt();
            }
        }

        return headers.Count > 0 ? headers : throw new InvalidDataException($"None of the {files.Count} image files can be read; the first is '{files[0].Name}'.");
    }

    private static (int Height, int Width) CommonSize(List<ImageHeader> headers)
    {
        var first = headers[0];
        return headers.Find(header => (header.Height, header.Width) != (first.Height, first.Width)) is { } other
            ? throw new InvalidDataException(
                $"The images have several sizes: '{first.File.Name}' has {first.Width} x {first.Height}, '{other.File.Name}' has {other.Width} x {other.Height}. Give --image-size to scale and crop them to one.")
            : (first.Height, first.Width);
    }

    // Decoded once and for all where memory allows it.
    private static ImageFiles Load(EncodedImage[] files, IReadOnlyList<string> classes, int channels, int height, int width, bool skipCorrupt)
    {
        int size = channels * height * width;
        if ((long)size * files.Length > LargestInMemory)
        {
            return new ImageFiles(files, classes, channels, height, width, decoded: null);
        }

        var decoded = new byte[]?[files.Length];
        var failures = new CorruptImageException?[files.Length];
        Parallel.For(0, files.Length, i =>
        {
            var pixels = new byte[size];
            try
            {
                files[i].Decode(channels, height, width, pixels);
                decoded[i] = pixels;
            }
            catch (CorruptImageException e)
            {
                failures[i] = e;
            }
        });
        if (!skipCorrupt && Array.Find(failures, failure => failure is not null) is { } first)
        {
            throw first;
        }

        return new ImageFiles([.. files.Where((_, i) => decoded[i] is not null)], classes, channels, height, width, [.. decoded.OfType<byte[]>()]);
    }

    private sealed record ImageHeader(EncodedImage File, int Height, int Width, bool IsColour);

    private sealed record EncodedImage(string Name, Func<byte[]> ReadBytes)
    {
        // The outermost folder within the split.
        public string Class => Name.Split('/') switch
        {
            ["train" or "test", var name, _, ..] => name,
            [not ("train" or "test") and var name, _, ..] => name,
            _ => "",
        };

        public ImageHeader? TryReadHeader()
        {
            using var data = SKData.CreateCopy(ReadBytes());
            using var codec = SKCodec.Create(data);
            return codec is null ? null : new ImageHeader(this, codec.Info.Height, codec.Info.Width, codec.Info.ColorType != SKColorType.Gray8);
        }

        // Transparent parts are black. To UInt8 [C, H, W].
        public void Decode(int channels, int height, int width, Span<byte> pixels)
        {
            using var data = SKData.CreateCopy(ReadBytes());
            using var codec = SKCodec.Create(data) ?? throw Corrupt();
            var alpha = codec.Info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul;
            using var image = new SKBitmap();
            if ((long)codec.Info.Width * codec.Info.Height > LargestImage || !image.TryAllocPixels(new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, alpha)))
            {
                throw Corrupt($"has {codec.Info.Width} x {codec.Info.Height} pixels, which is too many");
            }

            if (codec.GetPixels(image.Info, image.GetPixels()) != SKCodecResult.Success)
            {
                throw Corrupt();
            }

            if (!CentreCrop.TryScale(image, channels, height, width, pixels))
            {
                throw Corrupt($"has {codec.Info.Width} x {codec.Info.Height} pixels, which cannot be scaled");
            }
        }

        public CorruptImageException Corrupt(string reason = "is no image that can be read") => new(Name, reason);
    }
}
