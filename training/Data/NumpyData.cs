using System.Globalization;
using System.IO.Compression;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>
/// Images and their labels in NumPy arrays: a <c>.npy</c>, an archive <c>.npz</c>, or a folder of <c>.npy</c> files. The names of arrays tell splits (<c>x_train</c>,
/// <c>test_images</c>) and labels (<c>y_train</c>, <c>test_labels</c>); files of one split whose names differ in a number follow each other in that order.
/// </summary>
internal static class NumpyData
{
    private const string Extension = ".npy", ArchiveExtension = ".npz";

    private static readonly StringComparer ByNumber = StringComparer.Create(CultureInfo.InvariantCulture, CompareOptions.NumericOrdering);

    private static readonly string[] LabelWords = ["label", "labels", "y", "target", "targets", "class", "classes"];

    /// <summary>Whether a file is named like one of arrays.</summary>
    public static bool IsNamedLikeOne(string path) => HasExtension(path, Extension) || HasExtension(path, ArchiveExtension);

    /// <summary>Whether a folder holds arrays and nothing else that could be data.</summary>
    public static bool IsFolder(string folder) => Directory.EnumerateFiles(folder).Any(file => HasExtension(file, Extension))
        && !Directory.EnumerateFiles(folder).Any(EncodedImage.IsNamedLikeOne) && !Directory.EnumerateDirectories(folder).Any();

    /// <summary>Opens a <c>.npy</c> or <c>.npz</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What is known of the images' layout.</param>
    /// <exception cref="InvalidDataException">It is damaged, or holds no images.</exception>
    public static ImageData Open(string path, ImageOptions options)
    {
        if (HasExtension(path, Extension))
        {
            return ImageData.HoldOut(NumpyImages.Open(path, options));
        }

        var file = RegularFile.Open(path);
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return Combine(
                [.. archive.Entries.Select(entry => new NumpyArray(
                    entry.Name, PeekHeader(entry), known => NumpyImages.FromArray(ReadAll(entry, path), $"{path}/{entry.Name}", known), () => (ReadAll(entry, path), $"{path}/{entry.Name}")))],
                path, isFolder: false, options);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException && e.Source != typeof(NumpyImages).Assembly.GetName().Name)
        {
            throw new InvalidDataException($"'{path}' is not a valid .npz archive, or is compressed in a way that is not read: fetch it again, or write it with numpy.savez.", e);
        }
    }

    /// <summary>Opens a folder of <c>.npy</c> files.</summary>
    /// <inheritdoc cref="Open"/>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What is known of the images' layout.</param>
    public static ImageData OpenFolder(string folder, ImageOptions options) => Combine(
        [.. Directory.EnumerateFiles(folder).Where(file => HasExtension(file, Extension)).Select(file => new NumpyArray(
            Path.GetFileName(file), PeekHeader(file), known => NumpyImages.Open(file, known), () => (RegularFile.Read(file, Array.MaxLength), file)))],
        folder, isFolder: true, options);

    private static bool HasExtension(string path, string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase);

    private static ImageData Combine(NumpyArray[] arrays, string path, bool isFolder, ImageOptions options)
    {
        var passedOver = new PassedOver();
        arrays = [.. arrays.OrderBy(array => array.Series, StringComparer.Ordinal).ThenBy(array => array.Name, ByNumber)];
        var images = arrays.Where(array => array.Header is { } header && header.Shape.Length >= NumpyImages.LowestRank).GroupBy(array => array.Split)
            .SelectMany(split => split.Where(array => array == split.First() || (isFolder && array.Series == split.First().Series))).ToLookup(array => array.Split);
        if (images.Count == 0)
        {
            throw new InvalidDataException($"'{path}' holds no array of images: expected {NumpyImages.ExpectedShapes}.");
        }

        var known = options.BitDepth is not null ? options : options with { BitDepth = DepthOf([.. images.SelectMany(split => split)]) };
        var sources = images.ToDictionary(split => split.Key, split => Join(split, known));
        var labels = sources.Keys.ToDictionary(split => split, split => LabelsOf([.. arrays.Where(array => array.Split == split)], sources[split].Count));
        bool areLabelled = labels.Values.All(found => found.Length > 0);
        if (areLabelled)
        {
            Label(sources, labels.ToDictionary(split => split.Key, split => split.Value.SelectMany(array => array.ReadLabels()).ToArray()));
        }

        foreach (var array in arrays.Where(array => !images.Any(split => split.Contains(array)) && !(areLabelled && labels.Values.Any(found => found.Contains(array)))))
        {
            passedOver.Add($"array '{array.Name}'", array.Header is null ? "not an array of numbers" : $"of shape {array.Header.ShapeText}, neither images nor the labels of all images");
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

    // One array for all images, or several that follow each other like theirs; none if they do not fit.
    private static NumpyArray[] LabelsOf(NumpyArray[] arrays, long images)
    {
        NumpyArray[] labels = [.. arrays.Where(array => array.IsOfLabels)];
        return Array.Find(labels, array => array.Header!.Shape[0] == images) is { } one ? [one]
            : labels.Sum(array => array.Header!.Shape[0]) == images ? labels
            : [];
    }

    // Of all arrays together: a dark one is on the scale of the others.
    private static int? DepthOf(NumpyArray[] images)
    {
        NumpyArray[] wide = [.. images.Where(array => array.Header!.IsUInt16)];
        return wide.Length < 2 ? null : wide.Any(array =>
        {
            var (file, source) = array.Content();
            var header = Npy.ReadHeader(file, file.Length, source);
            return NumpyImages.DepthOf(header, file.AsSpan(header.Length)) > 8;
        }) ? 16 : 8;
    }

    private static ImageSource Join(IEnumerable<NumpyArray> arrays, ImageOptions options)
    {
        (string Name, NumpyImages Images)[] parts = [.. arrays.Select(array => (array.Name, array.Images(options)))];
        var (name, first) = parts[0];
        foreach (var (other, images) in parts.Skip(1))
        {
            if ((images.Channels, images.Height, images.Width) != (first.Channels, first.Height, first.Width))
            {
                throw new InvalidDataException(
                    $"The images of '{name}' are {first.Channels} x {first.Height} x {first.Width}, those of '{other}' {images.Channels} x {images.Height} x {images.Width} (channels, height, width): they must be alike.");
            }
        }

        if (parts.Length == 1)
        {
            return first;
        }

        foreach (var (other, images) in parts)
        {
            images.NamePrefix = $"{Path.GetFileNameWithoutExtension(other)}-";
        }

        return SelectedImages.Joined([.. parts.Select(part => part.Images)]);
    }

    // The classes of all splits are those that occur in any of them.
    private static void Label(Dictionary<SplitKind, ImageSource> sources, Dictionary<SplitKind, long[]> labels)
    {
        long[] known = [.. labels.Values.SelectMany(values => values).Distinct().Order()];
        string[] names = [.. known.Select(label => label.ToString(CultureInfo.InvariantCulture))];
        foreach (var (split, values) in labels)
        {
            sources[split] = new LabeledImages(sources[split], names, [.. values.Select(label => Array.BinarySearch(known, label))]);
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
        if (length > Array.MaxLength || length != entry.Length)
        {
            throw new InvalidDataException(
                $"'{path}/{entry.Name}' cannot be used: an array of type {header.DataType} and shape {header.ShapeText} takes {length} bytes with its header, the archive says {entry.Length}, and at most {Array.MaxLength} are read.");
        }

        using var content = entry.Open();
        return RegularFile.ReadUpTo(content, (long)length);
    }

    private static NpyHeader? PeekHeader(string file)
    {
        using var content = RegularFile.Open(file);
        var start = new byte[Npy.LongestHeader];
        var read = start.AsSpan(0, content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
        return Npy.IsOne(read) ? Npy.TryReadHeader(read) : throw new InvalidDataException($"'{file}' is not a .npy file: it does not begin with NumPy's magic string.");
    }

    /// <summary>An array among others.</summary>
    /// <param name="Name">Its file's name.</param>
    /// <param name="Header">Its header; null if it has no usable one.</param>
    /// <param name="Images">Reads it as images.</param>
    /// <param name="Content">Reads the bytes of its file, and gives its name for messages.</param>
    private sealed record NumpyArray(string Name, NpyHeader? Header, Func<ImageOptions, NumpyImages> Images, Func<(byte[] File, string Source)> Content)
    {
        /// <summary>Its name without the numbers in it.</summary>
        public string Series { get; } = new([.. Name.Where(character => !char.IsAsciiDigit(character))]);

        /// <summary>The split that its name tells; that for training if it tells none.</summary>
        public SplitKind Split { get; } = SplitNames.In(Name) ?? SplitKind.Train;

        /// <summary>Whether it looks like labels.</summary>
        public bool IsOfLabels => Header is { Kind: 'u' or 'i' or 'b', Shape: [_] or [_, 1] }
            && SplitNames.Words(Path.GetFileNameWithoutExtension(Name)).Any(LabelWords.Contains);

        /// <summary>Reads it as labels.</summary>
        public long[] ReadLabels()
        {
            var (file, source) = Content();
            var header = Npy.ReadHeader(file, file.Length, source);
            var data = file.AsSpan(header.Length);
            var labels = new long[(int)header.Count];
            for (int i = 0; i < labels.Length; i++)
            {
                labels[i] = (long)header.Element(data, i);
            }

            return labels;
        }
    }

    private sealed class LabeledImages(ImageSource source, IReadOnlyList<string> classes, int[] labels) : DelegatingImageSource(source)
    {
        /// <inheritdoc/>
        public override IReadOnlyList<string> Classes => classes;

        /// <inheritdoc/>
        public override int LabelOf(long index) => labels[index];
    }
}
