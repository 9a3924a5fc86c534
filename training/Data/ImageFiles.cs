using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>Images in files that SkiaSharp reads (PNG, JPEG, WebP, GIF, BMP), from a folder, a tar or a zip.</summary>
public sealed class ImageFiles : ImageSource
{
    private readonly IReadOnlyList<SortedImage> files;
    private readonly byte[][]? decoded;
    private readonly Dictionary<string, int> labels;

    private ImageFiles(IReadOnlyList<SortedImage> files, IReadOnlyList<string> classes, int channels, int height, int width, byte[][]? decoded)
    {
        (this.files, Shape, this.decoded, Classes) = (files, new ExampleShape(channels, height, width), decoded, classes);
        labels = classes.Index().ToDictionary(entry => entry.Item, entry => entry.Index);
    }

    /// <inheritdoc/>
    public override long Count => files.Count;

    /// <inheritdoc/>
    public override ExampleShape Shape { get; }

    /// <summary>Decodes the bytes of an image file: its center, scaled to the given size.</summary>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="content">The file.</param>
    /// <param name="channels">1 for grayscale, 3 for color.</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Columns of pixels.</param>
    /// <returns>UInt8 [C, H, W].</returns>
    /// <exception cref="InvalidDataException">It is not a readable image.</exception>
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
            throw new InvalidDataException($"'{name}' {e.Reason}: give a file like {Endings}.", e);
        }
    }

    /// <summary>Whether a path names an image that is read, judging by its extension.</summary>
    /// <param name="path">The path.</param>
    public static bool IsNamedLikeOne(string path) => EncodedImage.IsNamedLikeOne(path);

    /// <summary>Opens a folder and everything below it; subfolders named like splits are the splits.</summary>
    internal static ImageData OpenFolder(string folder, ImageOptions options) => Divide(ImageListing.OfFolder(folder), folder, options);

    /// <summary>Opens a tar.</summary>
    internal static ImageData OpenTar(string path, ImageOptions options) => Divide(ImageListing.OfTar(path), path, options);

    /// <summary>Opens a zip.</summary>
    internal static ImageData OpenZip(string path, ImageOptions options) => Divide(ImageListing.OfZip(path), path, options);

    /// <summary>Opens a single image, which serves as every split.</summary>
    internal static ImageData OpenFile(string path, ImageOptions options)
    {
        var image = Open([new SortedImage(EncodedImage.OfFile(Path.GetFileName(path), path), new FilePlace(Split: null, Class: ""))], [], options);
        return ImageData.OfOne(image);
    }

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels)
    {
        if (decoded is not null)
        {
            decoded[index].CopyTo(pixels);
            return;
        }

        var image = new byte[ImageSize];
        files[(int)index].File.Decode(Channels, Height, Width, image);
        image.CopyTo(pixels);
    }

    /// <inheritdoc/>
    /// <remarks>The names of the folders that contain the images, if every image is in one and there are several.</remarks>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    public override int LabelOf(long index) => Classes.Count > 0 ? labels[files[(int)index].Place.Class] : base.LabelOf(index);

    /// <inheritdoc/>
    public override string NameOf(long index) => files[(int)index].File.Name;

    private static string Endings => string.Join(", ", EncodedImage.Extensions);

    private static ImageData Divide(ImageListing listing, string source, ImageOptions options)
    {
        if (listing.Files.Count == 0)
        {
            string others = listing.PassedOver.Phrases is { Count: > 0 } phrases ? $" Found were {string.Join(", ", phrases)}." : "";
            throw new InvalidDataException($"'{source}' has no images: expected files {Endings}, or MNIST's IDX files.{others}");
        }

        EncodedImage[] files = [.. FilePlaces.WithoutCommonFolder([.. listing.Files.Select(file => file.Name)]).Zip(listing.Files, (name, file) => file with { Name = name }).OrderBy(file => file.Name, StringComparer.Ordinal)];
        SortedImage[] sorted = [.. files.Zip(FilePlaces.Of([.. files.Select(file => file.Name)]), (file, place) => new SortedImage(file, place))];
        if (sorted.Select(file => file.Place.Class).Distinct().Count() > 2 && Array.Find(sorted, file => file.Place.Class.Length == 0) is { } loose)
        {
            listing.PassedOver.Add("set of class folders", $"'{loose.File.Name}' lies in none");
        }

        var classes = FilePlaces.ClassesOf(sorted.Select(file => file.Place));
        if (sorted.Select(file => file.Place.Split ?? SplitKind.Train).Distinct().ToArray() is [not SplitKind.Train and var lone])
        {
            listing.PassedOver.AddLoneSplit(lone);
        }

        var all = Open(sorted, classes, options);
        for (long unreadable = sorted.Length - all.Count; unreadable > 0; unreadable--)
        {
            listing.PassedOver.Add("image file", "cannot be read");
        }

        return Divide(all) with { PassedOver = listing.PassedOver.Phrases };
    }

    private static ImageData Divide(ImageFiles all)
    {
        var parts = Enumerable.Range(0, all.files.Count).ToLookup(i => all.files[i].Place.Split ?? SplitKind.Train, i => (long)i);
        return parts.Count == 1 ? ImageData.HoldOut(all) : ImageData.FromSplits(Part(SplitKind.Train), Part(SplitKind.Validation), Part(SplitKind.Test));

        ImageSource? Part(SplitKind split) => parts.Contains(split) ? new SelectedImages(all, [.. parts[split]]) : null;
    }

    private static ImageFiles Open(SortedImage[] files, IReadOnlyList<string> classes, ImageOptions options)
    {
        if (options is { IsLazy: true, Size: var (rows, columns), Channels: { } planes })
        {
            return new ImageFiles(files, classes, planes, rows, columns, decoded: null);
        }

        var (readable, headers) = ReadHeaders(files, options);
        var (height, width) = options.Size ?? CommonSize(headers);
        int channels = options.Channels ?? (HaveColour(headers, options) ? 3 : 1);
        if (channels is not (1 or 3))
        {
            throw new InvalidDataException($"Images of {channels} channels are asked for, but pictures have 1 or 3: give a .npy or .npz.");
        }

        return Load(readable, classes, channels, height, width, options);
    }

    private static (SortedImage[] Files, ImageHeader[] Headers) ReadHeaders(SortedImage[] files, ImageOptions options)
    {
        var readable = new List<(SortedImage File, ImageHeader Header)>();
        foreach (var file in files)
        {
            try
            {
                readable.Add((file, file.File.ReadHeader()));
            }
            catch (CorruptImageException) when (options.SkipCorrupt)
            {
                // skipped, as requested
            }
        }

        return readable.Count > 0
            ? ([.. readable.Select(image => image.File)], [.. readable.Select(image => image.Header)])
            : throw new InvalidDataException($"None of the {files.Length} image files can be read; the first is '{files[0].File.Name}'.");
    }

    // Grayscale images are often stored as color: what counts is whether any pixel has color.
    private static bool HaveColour(IEnumerable<ImageHeader> headers, ImageOptions options) => headers.Any(header => header.MayHaveColour && HasColour(header, options));

    private static bool HasColour(ImageHeader header, ImageOptions options)
    {
        try
        {
            return header.File.HasColour();
        }
        catch (CorruptImageException) when (options.SkipCorrupt)
        {
            return false;
        }
    }

    private static (int Height, int Width) CommonSize(ImageHeader[] headers)
    {
        var first = headers[0];
        return Array.Find(headers, header => (header.Height, header.Width) != (first.Height, first.Width)) is { } other
            ? throw new InvalidDataException(
                $"The images have several sizes: '{first.File.Name}' has {first.Width} x {first.Height}, '{other.File.Name}' has {other.Width} x {other.Height}. Scale and crop them to one.")
            : (first.Height, first.Width);
    }

    // Decoded once up front if memory allows it.
    private static ImageFiles Load(SortedImage[] files, IReadOnlyList<string> classes, int channels, int height, int width, ImageOptions options)
    {
        long size = (long)channels * height * width;
        if (size * files.Length > LargestInMemory)
        {
            return new ImageFiles(files, classes, channels, height, width, decoded: null);
        }

        var decoded = new byte[]?[files.Length];
        var failures = new CorruptImageException?[files.Length];
        long done = 0;
        Parallel.For(0, files.Length, i =>
        {
            var pixels = new byte[size];
            try
            {
                files[i].File.Decode(channels, height, width, pixels);
                decoded[i] = pixels;
            }
            catch (CorruptImageException e)
            {
                failures[i] = e;
            }

            options.Progress?.Invoke(Interlocked.Increment(ref done), files.Length);
        });
        return !options.SkipCorrupt && Array.Find(failures, failure => failure is not null) is { } first
            ? throw first
            : new ImageFiles([.. files.Where((_, i) => decoded[i] is not null)], classes, channels, height, width, [.. decoded.OfType<byte[]>()]);
    }

    // An image with its place in the data set.
    private sealed record SortedImage(EncodedImage File, FilePlace Place);
}
