using System.Globalization;
using System.IO.Compression;
using System.Text.RegularExpressions;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>
/// Examples and their labels in NumPy arrays: a <c>.npy</c>, an archive <c>.npz</c>, or a folder of <c>.npy</c> files. The names of arrays tell splits (<c>x_train</c>,
/// <c>test_images</c>) and labels (<c>y_train</c>, <c>test_labels</c>); files of one split whose names differ in a number follow each other in that order.
/// </summary>
internal static partial class NumpyData
{
    private const string Extension = ".npy", ArchiveExtension = ".npz";
    private const int VectorRank = 2;
    private const int LongestNumber = 20;

    private static readonly string[] DataWords = ["x", "data", "features", "values", "samples", "vectors", "inputs"];

    private static readonly string[] LabelWords = ["label", "labels", "y", "target", "targets", "class", "classes"];

    /// <summary>Whether a file is named like one of arrays.</summary>
    public static bool IsNamedLikeOne(string path) => HasExtension(path, Extension) || HasExtension(path, ArchiveExtension);

    /// <summary>Whether a folder holds arrays and nothing else that could be data.</summary>
    public static bool IsFolder(string folder) => Directory.EnumerateFiles(folder).Any(file => HasExtension(file, Extension))
        && !Directory.EnumerateFiles(folder).Any(EncodedImage.IsNamedLikeOne) && !Directory.EnumerateDirectories(folder).Any();

    /// <summary>Opens a <c>.npy</c> or <c>.npz</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">What is known of the arrays.</param>
    /// <exception cref="InvalidDataException">It is damaged, or holds no examples.</exception>
    public static ImageData Open(string path, ImageOptions options)
    {
        if (HasExtension(path, Extension))
        {
            return ImageData.HoldOut(NumpySource.Open(path, options));
        }

        var file = RegularFile.Open(path);
        try
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Read);
            return Combine(
                [.. archive.Entries.Select(entry => new Entry(
                    entry.Name, PeekHeader(entry), known => NumpySource.FromArray(Read(entry, path), known), () => Read(entry, path)))],
                path, isFolder: false, options);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException && e.Source != typeof(NumpyData).Assembly.GetName().Name)
        {
            throw new InvalidDataException($"'{path}' is not a valid .npz archive, or is compressed in a way that is not read: fetch it again, or write it with numpy.savez.", e);
        }
    }

    /// <summary>Opens a folder of <c>.npy</c> files.</summary>
    /// <inheritdoc cref="Open"/>
    /// <param name="folder">The folder.</param>
    /// <param name="options">What is known of the arrays.</param>
    public static ImageData OpenFolder(string folder, ImageOptions options) => Combine(
        [.. Directory.EnumerateFiles(folder).Where(file => HasExtension(file, Extension)).Select(file => new Entry(
            Path.GetFileName(file), PeekHeader(file), known => NumpySource.Open(file, known), () => NumpyArray.Read(RegularFile.Read(file, Array.MaxLength), file)))],
        folder, isFolder: true, options);

    [GeneratedRegex(@"\d+")]
    private static partial Regex Numbers();

    private static bool HasExtension(string path, string extension) => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase);

    private static ImageData Combine(Entry[] arrays, string path, bool isFolder, ImageOptions options)
    {
        var passedOver = new PassedOver();
        arrays = [.. arrays.OrderBy(array => array.Split).ThenBy(array => array.Series, StringComparer.Ordinal).ThenBy(array => array.SortKey, StringComparer.Ordinal)];
        int rank = arrays.Any(array => array.Rank > VectorRank) ? VectorRank + 1 : VectorRank;
        var examples = arrays.Where(array => array.Rank >= rank && (rank > VectorRank || !array.IsNamedLikeLabels)).GroupBy(array => array.Split)
            .SelectMany(split => Chosen([.. split], rank, isFolder, path)).ToLookup(array => array.Split);
        if (examples.Count == 0)
        {
            throw new InvalidDataException($"'{path}' holds no array of examples: expected {ArrayShape.Expected}.");
        }

        var known = Common([.. examples.SelectMany(split => split)], options);
        var read = new List<NumpySource>();
        var sources = examples.ToDictionary(split => split.Key, split => Join(split, ref known, read));
        foreach (var values in read.OfType<NumpyValues>().Where(_ => read.Exists(other => !other.IsUnitRange)))
        {
            values.LeaveUnitRange();
        }

        var labels = sources.Keys.ToDictionary(split => split, split => LabelsOf([.. arrays.Where(array => array.Split == split)], sources[split].Count));
        foreach (var (split, found) in labels)
        {
            if (found.Length == 0 && Array.Find(arrays, array => array.Split == split && array.IsOfLabels) is { } unfit)
            {
                throw new InvalidDataException(
                    $"'{path}' has {sources[split].Count} {sources[split].Shape.Noun} of the {split.ToString().ToLowerInvariant()} split, but {unfit.Header!.Shape[0]} labels for them in '{unfit.Name}': give one for each, or leave the labels out.");
            }
        }

        bool areLabelled = labels.Values.All(found => found.Length > 0);
        if (areLabelled)
        {
            Label(sources, labels.ToDictionary(split => split.Key, split => split.Value.SelectMany(array => array.ReadLabels()).ToArray()));
        }

        foreach (var array in arrays.Where(array => !examples.Any(split => split.Contains(array)) && !(areLabelled && labels.Values.Any(found => found.Contains(array)))))
        {
            passedOver.Add($"array '{array.Name}'", array.Header is null ? "not an array of numbers" : $"of shape {array.Header.ShapeText}, neither examples nor the labels of all of them");
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

    // The first array of a split, and in folders those whose names differ from it in a number. Of several arrays of vectors, one is named like data.
    private static IEnumerable<Entry> Chosen(Entry[] arrays, int rank, bool isFolder, string path)
    {
        var first = arrays[0];
        if (rank == VectorRank && Array.Exists(arrays, array => isFolder ? array.Series != first.Series : array != first))
        {
            Entry[] named = Array.FindAll(arrays, array => array.IsNamedLikeData);
            first = named.Length > 0 && (isFolder ? named.All(array => array.Series == named[0].Series) : named.Length == 1) ? named[0] : throw new InvalidDataException(
                $"'{path}' holds several arrays that could be the vectors: {string.Join(", ", arrays.Select(array => $"'{array.Name}'"))}. Call one x or data, or give it alone.");
        }

        return arrays.Where(array => array == first || (isFolder && array.Series == first.Series));
    }

    // One array for all examples, or several that follow each other like theirs; none if they do not fit.
    private static Entry[] LabelsOf(Entry[] arrays, long examples)
    {
        Entry[] labels = [.. arrays.Where(array => array.IsOfLabels)];
        return Array.Find(labels, array => array.Header!.Shape[0] == examples) is { } one ? [one]
            : labels.Sum(array => array.Header!.Shape[0]) == examples ? labels
            : [];
    }

    // What is known of all arrays together: a dark one is on the scale of the others, and numbers are pixels only if all are.
    private static ImageOptions Common(Entry[] arrays, ImageOptions options)
    {
        if (arrays.Length == 1)
        {
            return options;
        }

        bool isReal = options.IsReal ?? arrays.Any(array => !NumpySource.AreImages(array.Header!.Shape, options) || !array.HoldsPixels);
        if (isReal && Array.Find(arrays, array => array.Header!.Kind is 'f' != arrays[0].Header!.Kind is 'f') is { } other)
        {
            throw new InvalidDataException(
                $"'{arrays[0].Name}' holds {arrays[0].Header!.TypeName}, '{other.Name}' {other.Header!.TypeName}: numbers of one data set must be of one type, lest they have different units. Convert one of them.");
        }

        Entry[] wide = isReal ? [] : Array.FindAll(arrays, array => array.Header!.IsUInt16 && !array.IsLarge);
        return options with
        {
            IsReal = isReal,
            BitDepth = options.BitDepth ?? (wide.Length < 2 ? null : wide.Any(array => NumpyImages.DepthOf(array.Content()) > 8) ? 16 : 8),
        };
    }

    // The first array tells the layout of the others.
    private static ImageSource Join(IEnumerable<Entry> arrays, ref ImageOptions options, List<NumpySource> read)
    {
        var parts = new List<(string Name, NumpySource Examples)>();
        foreach (var array in arrays)
        {
            var examples = array.Examples(options);
            var (name, first) = parts.Count == 0 ? (array.Name, examples) : parts[0];
            if (examples.Shape != first.Shape)
            {
                throw new InvalidDataException(
                    $"The {first.Shape.Noun} of '{name}' are {first.Shape.Description}, the {examples.Shape.Noun} of '{array.Name}' {examples.Shape.Description}: they must be alike.");
            }

            parts.Add((array.Name, examples));
            read.Add(examples);
            options = options.ExpectedShape is null && options.Layout is null ? options with { Shape = examples.Shape, IsChannelsLast = examples.IsChannelsLast } : options;
        }

        if (parts.Count == 1)
        {
            return parts[0].Examples;
        }

        foreach (var (other, examples) in parts)
        {
            examples.NamePrefix = $"{Path.GetFileNameWithoutExtension(other)}-";
        }

        return SelectedImages.Joined([.. parts.Select(part => part.Examples)]);
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

    private static NumpyArray Read(ZipArchiveEntry entry, string path) => NumpyArray.Read(ReadAll(entry, path), $"{path}/{entry.Name}");

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
    /// <param name="Examples">Reads it as examples.</param>
    /// <param name="Content">Reads it.</param>
    private sealed record Entry(string Name, NpyHeader? Header, Func<ImageOptions, NumpySource> Examples, Func<NumpyArray> Content)
    {
        /// <summary>The number of its axes; 0 if it has no usable header.</summary>
        public int Rank => Header?.Shape.Length ?? 0;

        /// <summary>Whether it is read on demand.</summary>
        public bool IsLarge => Header is { } header && header.Length + (header.Count * header.ItemSize) > Array.MaxLength;

        /// <summary>Its name with zeros before the numbers in it, which puts 2 before 10.</summary>
        public string SortKey { get; } = Numbers().Replace(Name, number => number.Value.PadLeft(LongestNumber, '0'));

        /// <summary>Its name without the numbers in it.</summary>
        public string Series { get; } = new([.. Name.Where(character => !char.IsAsciiDigit(character))]);

        /// <summary>The split that its name tells; that for training if it tells none.</summary>
        public SplitKind Split { get; } = SplitNames.In(Name) ?? SplitKind.Train;

        /// <summary>Whether its values are those of pixels; it is read only if its type does not tell.</summary>
        public bool HoldsPixels => Header is { Kind: 'b' } or { Kind: 'u', ItemSize: <= 2 } || (!IsLarge && Content().HoldsPixels());

        /// <summary>Whether its name says that it holds examples.</summary>
        public bool IsNamedLikeData => SplitNames.Words(Path.GetFileNameWithoutExtension(Name)).Any(DataWords.Contains);

        /// <summary>Whether its name says that it holds labels.</summary>
        public bool IsNamedLikeLabels => SplitNames.Words(Path.GetFileNameWithoutExtension(Name)).Any(LabelWords.Contains);

        /// <summary>Whether it looks like labels.</summary>
        public bool IsOfLabels => Header is { Kind: 'u' or 'i' or 'b', Shape: [_] or [_, 1] } && IsNamedLikeLabels;

        /// <summary>Reads it as labels.</summary>
        public long[] ReadLabels()
        {
            var array = Content();
            return [.. Enumerable.Range(0, array.Count).Select(i => (long)array[i])];
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
