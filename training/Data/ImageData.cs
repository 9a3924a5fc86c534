using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace OnnxVae.Training.Data;

/// <summary>A data set: what to train on and what to test on.</summary>
/// <param name="Train">The training split.</param>
/// <param name="Test">The test split: the data's own, or a deterministic held-out set.</param>
/// <param name="All">All images; in the data's own order if the data have no splits of their own.</param>
public sealed record ImageData(ImageSource Train, ImageSource Test, ImageSource All)
{
    private const long LargestHoldOut = 5000;
    private const int HoldOutFraction = 10;
    private const ulong HoldOutKey = 0x5EED;
    private const long ImagesToIdentify = 32; // of each split
    private const ulong ValidationKey = 0x7A11D;

    private static readonly string Expected = $"give '{Sprites.Name}', '{Scenes.Name}', {string.Join(", ", PublicDataSets.Names.Select(name => $"'{name}'"))}, a folder, a .tar, .tar.gz or .zip of images, a .npy or .npz, a folder of .npy, or an image file";

    /// <summary>The data's own validation split, which is used neither for training nor for testing; null if there is none.</summary>
    public ImageSource? Validation { get; init; }

    // Where the images of each split are in All; null for data that were put together otherwise.
    private Func<SplitKind, long, long>? PositionInAll { get; init; }

    /// <summary>What was found but is not part of the data: a phrase for each kind, with the count and the reason.</summary>
    public IReadOnlyList<string> PassedOver { get; init; } = [];

    /// <summary>
    /// Opens a data set by its name or path: <c>sprites</c>, <c>mnist</c> or another of <see cref="PublicDataSets"/>, a folder of IDX files or images, a tar or zip of images, a <c>.npy</c> or
    /// <c>.npz</c>, a folder of <c>.npy</c> files, or a single image.
    /// </summary>
    /// <exception cref="IOException">There is nothing at the path.</exception>
    /// <exception cref="InvalidDataException">The data cannot be used.</exception>
    public static ImageData Open(string source, ImageOptions? options = null)
    {
        options ??= new ImageOptions();
        var data = OpenAsTheyAre(source, options);
        return options.IsReal is true && !data.All.IsReal ? throw new InvalidDataException($"'{source}' holds images of pixels; real numbers in units of their own come from a .npy, a .npz, a folder of .npy, or sound.")
            : options.BinarizationSeed is not { } seed ? data
            : !data.All.IsUnitRange ? throw new InvalidDataException($"'{source}' holds real numbers: only pixels can be drawn as black or white.")
            : data.Map(images => new BinarizedImages(images, seed));
    }

    /// <summary>The same data, with a vector for each image.</summary>
    /// <param name="conditions">The vectors, in the order of <see cref="All"/>: of data with splits of their own, training images come first, then those for validation, then those for testing.</param>
    /// <exception cref="ArgumentException">There are more or fewer vectors than images.</exception>
    /// <exception cref="InvalidOperationException">The data were not opened by <see cref="Open"/>.</exception>
    public ImageData WithConditions(ImageConditions conditions)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        var position = PositionInAll ?? throw new InvalidOperationException("The data were put together from splits: give each split its conditions.");
        return conditions.Count != All.Count
            ? throw new ArgumentException($"There are {conditions.Count} conditions, but {All.Count} images: give one for each.", nameof(conditions))
            : this with
            {
                Train = conditions.Join(Train, i => position(SplitKind.Train, i)),
                Test = conditions.Join(Test, i => position(SplitKind.Test, i)),
                Validation = Validation is null ? null : conditions.Join(Validation, i => position(SplitKind.Validation, i)),
                All = conditions.Join(All, i => i),
            };
    }

    /// <summary>The same data, with a share of the training images held out for validation, always the same ones.</summary>
    /// <param name="share">The share, above 0 and below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is out of range.</exception>
    /// <exception cref="InvalidDataException">The data have a validation split of their own, or too few training images.</exception>
    public ImageData WithValidation(double share)
    {
        if (share is not (> 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(share), $"The share of images for validation is {share}; expected a number above 0 and below 1.");
        }

        if (Validation is not null)
        {
            throw new InvalidDataException("The data have a validation split of their own, which is used: hold nothing out.");
        }

        long held = Math.Max(1, (long)Math.Round(share * Train.Count));
        if (held >= Train.Count)
        {
            throw new InvalidDataException($"There are {Train.Count} training images, of which {held} would be held out for validation: at least one must be left to train on.");
        }

        var (parts, position) = (new HeldOut(Train, held, ValidationKey), PositionInAll);
        return this with
        {
            Train = parts.Rest,
            Validation = parts.Held,
            PositionInAll = position is null ? null : (split, i) => split switch
            {
                SplitKind.Train => position(SplitKind.Train, parts.PositionOfRest(i)),
                SplitKind.Validation => position(SplitKind.Train, parts.PositionOfHeld(i)),
                _ => position(split, i),
            },
        };
    }

    /// <summary>Whether a name is that of built-in data, which come before folders of the same name.</summary>
    public static bool IsBuiltIn(string source) => source is Sprites.Name or Scenes.Name or Scenes.RandomName;

    /// <summary>The split of a given name: <c>train</c>, <c>validation</c>, <c>test</c> or <c>all</c>.</summary>
    /// <exception cref="ArgumentException">There is no split of that name, or the data have no validation split.</exception>
    public ImageSource Split(string name) => name switch
    {
        "train" => Train,
        "validation" => Validation ?? throw new ArgumentException("The data have no validation split: give train, test or all.", nameof(name)),
        "test" => Test,
        "all" => All,
        _ => throw new ArgumentException($"There is no split '{name}'; known are train, validation, test, all.", nameof(name)),
    };

    /// <summary>
    /// Splits data that come without a test split: a tenth, at most 5,000 examples, is held out by a fixed permutation, of examples in groups whole groups. A single image is used for training.
    /// </summary>
    internal static ImageData HoldOut(ImageSource all)
    {
        var parts = new HeldOut(all, Math.Clamp(all.Count / HoldOutFraction, Math.Min(1, all.Count - 1), LargestHoldOut), HoldOutKey);
        return new ImageData(parts.Rest, parts.Held, all) { PositionInAll = (split, i) => split == SplitKind.Train ? parts.PositionOfRest(i) : parts.PositionOfHeld(i) };
    }

    /// <summary>A single image, for training and testing alike.</summary>
    internal static ImageData OfOne(ImageSource image) => new(image, image, image) { PositionInAll = (_, i) => i };

    /// <summary>Uses the data's own splits; if there is no test split, part of the training split is held out.</summary>
    /// <exception cref="InvalidDataException">There is no training split, or the splits' images differ in shape.</exception>
    internal static ImageData FromSplits(ImageSource? train, ImageSource? validation, ImageSource? test)
    {
        if (train is null)
        {
            throw new InvalidDataException("The data have test and validation images, but none to train on: put training images next to them, in 'train'.");
        }

        RequireAlike(train, validation, "validation");
        RequireAlike(train, test, "test");
        ImageSource[] inOrder = [.. ((ImageSource?[])[train, validation, test]).OfType<ImageSource>()];
        var heldOut = test is null ? HoldOut(train) : null;
        return new ImageData(heldOut?.Train ?? train, heldOut?.Test ?? test!, SelectedImages.Joined(inOrder))
        {
            Validation = validation,
            PositionInAll = (split, i) => split switch
            {
                SplitKind.Validation => train.Count + i,
                _ when heldOut is not null => heldOut.PositionInAll!(split, i),
                SplitKind.Test => train.Count + (validation?.Count ?? 0) + i,
                _ => i,
            },
        };
    }

    private static void RequireAlike(ImageSource train, ImageSource? other, string name)
    {
        if (other is not null && train.Shape != other.Shape)
        {
            throw new InvalidDataException($"Training {train.Shape.Noun} are {train.Shape.Description}, {name} {other.Shape.Noun} {other.Shape.Description}: they must be alike.");
        }
    }

    private static ImageData OpenAsTheyAre(string source, ImageOptions options)
    {
        if (source == Sprites.Name)
        {
            return Scale(HoldOut(new Sprites()), options);
        }

        if (source is Scenes.Name or Scenes.RandomName)
        {
            return Scale(HoldOut(new Scenes(isRandom: source == Scenes.RandomName)), options);
        }

        if (PublicDataSets.Find(source) is { } known)
        {
            known.Fetch(PublicDataSets.Cache, progress: null, CancellationToken.None);
            return Scale(known.Open(PublicDataSets.Cache), options);
        }

        if (Directory.Exists(source))
        {
            return IdxImages.IsIdxFolder(source) ? Scale(IdxImages.OpenFolder(source), options)
                : NumpyData.IsFolder(source) ? Scale(NumpyData.OpenFolder(source, options), options)
                : ImageFiles.OpenFolder(source, options);
        }

        if (!File.Exists(source))
        {
            throw new FileNotFoundException($"There is no data '{source}': {Expected}.");
        }

        return source switch
        {
            _ when NumpyData.IsNamedLikeOne(source) => Scale(NumpyData.Open(source, options), options),
            _ when ImageListing.IsTar(source) => ImageFiles.OpenTar(source, options),
            _ when ImageListing.IsZip(source) => ImageFiles.OpenZip(source, options),
            _ when EncodedImage.IsNamedLikeOne(source) => ImageFiles.OpenFile(source, options),
            _ => throw new InvalidDataException($"'{source}' is not a data source: {Expected}."),
        };
    }

    private static ImageData Scale(ImageData data, ImageOptions options)
    {
        var images = data.All;
        var (channels, height, width) = (options.Channels ?? images.Channels, options.Size?.Height ?? images.Height, options.Size?.Width ?? images.Width);
        return (images.Channels, images.Height, images.Width) == (channels, height, width) || (options.IsReal is true && !images.IsReal) ? data
            : options.IsReal is not true && images is { IsUnitRange: true, Shape: { IsImage: true, Channels: 1 or 3 } } && channels is 1 or 3 ? data.Map(source => new ScaledImages(source, channels, height, width))
            : throw new InvalidDataException(
                $"The {images.Shape.Noun} are {images.Shape.Description}, and should be {channels} x {height} x {width}: only images of pixels, in grayscale or color, are scaled.");
    }

    /// <summary>Identifies the data by a hash of their splits' sizes and shape, and of up to 32 examples of each split, images as 8-bit pixels; with their conditions if they have such; labels are not part of it.</summary>
    /// <returns>16 hexadecimal digits.</returns>
    public string Identify()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var split in new[] { Train, Test, Validation }.OfType<ImageSource>())
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{split.Count} {string.Join(' ', split.Shape.Axes)} "));
            byte[] pixels = new byte[split.IsReal ? 0 : split.ImageSize];
            float[] values = new float[split.IsReal ? split.ImageSize : 0];
            float[] condition = new float[split.ConditionSize];
            for (long i = 0; i < Math.Min(split.Count, ImagesToIdentify); i++)
            {
                long index = i * split.Count / Math.Min(split.Count, ImagesToIdentify);
                if (split.IsReal)
                {
                    split.ReadValues(index, values);
                    hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
                }
                else
                {
                    split.Read(index, pixels);
                    hash.AppendData(pixels);
                }

                if (condition.Length > 0)
                {
                    split.ReadCondition(index, condition);
                    hash.AppendData(MemoryMarshal.AsBytes(condition.AsSpan()));
                }
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    internal ImageData Map(Func<ImageSource, ImageSource> map) => this with
    {
        Train = map(Train),
        Test = map(Test),
        All = map(All),
        Validation = Validation is null ? null : map(Validation),
    };
}
