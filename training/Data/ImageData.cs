namespace OnnxVae.Training.Data;

/// <summary>How images are prepared.</summary>
/// <param name="Size">What images are scaled and cropped to; null to take them as they are.</param>
/// <param name="Channels">1 for grey, 3 for colour; null for colour where any image has it.</param>
/// <param name="SkipCorrupt">Whether images that cannot be read are left out instead of stopping everything.</param>
/// <param name="BinarizationSeed">Chooses draws of black or white for every pixel, once and for all; null for pixels as they are.</param>
/// <param name="IsLazy">
/// Whether image files are opened only when they are read, each time, which suits any number of them: those that cannot be read are found
/// then. It takes effect where size and channels are given.
/// </param>
public sealed record ImageOptions(
    (int Height, int Width)? Size = null, int? Channels = null, bool SkipCorrupt = false, ulong? BinarizationSeed = null, bool IsLazy = false);

/// <summary>A data set: what to train on and what to test on.</summary>
/// <param name="Train">The training split.</param>
/// <param name="Test">The test split: the data's own, or a deterministic hold-out.</param>
/// <param name="All">Both, in the data's own order.</param>
public sealed record ImageData(ImageSource Train, ImageSource Test, ImageSource All)
{
    private const long LargestHoldOut = 5000;
    private const int HoldOutFraction = 10;
    private const ulong HoldOutKey = 0x5EED;

    /// <summary>Opens a data set by its name or path: <c>sprites</c>, a folder of IDX files or images, a tar of images, a <c>.npy</c> or <c>.npz</c>.</summary>
    /// <exception cref="IOException">There is nothing at the path.</exception>
    /// <exception cref="InvalidDataException">What is there cannot be used.</exception>
    public static ImageData Open(string source, ImageOptions? options = null)
    {
        options ??= new ImageOptions();
        var data = OpenAsTheyAre(source, options);
        return options.BinarizationSeed is { } seed
            ? new ImageData(new BinarizedImages(data.Train, seed), new BinarizedImages(data.Test, seed), new BinarizedImages(data.All, seed))
            : data;
    }

    /// <summary>The split with a name: <c>train</c>, <c>test</c> or <c>all</c>.</summary>
    /// <exception cref="ArgumentException">The name is another.</exception>
    public ImageSource Split(string name) => name switch
    {
        "train" => Train,
        "test" => Test,
        "all" => All,
        _ => throw new ArgumentException($"There is no split '{name}'; known are train, test, all."),
    };

    /// <summary>Divides images that come without a test split: a tenth, at most 5,000, chosen by a fixed permutation. A single image is for training.</summary>
    internal static ImageData HoldOut(ImageSource all)
    {
        long held = Math.Clamp(all.Count / HoldOutFraction, Math.Min(1, all.Count - 1), LargestHoldOut);
        var order = new Permutation(all.Count, HoldOutKey, 0);
        return new ImageData(
            new View(all, all.Count - held, i => (all, order[held + i])), new View(all, held, i => (all, order[i])), all);
    }

    /// <summary>Takes the data's own splits.</summary>
    /// <exception cref="InvalidDataException">Their images differ in shape.</exception>
    internal static ImageData FromSplits(ImageSource train, ImageSource test)
    {
        if ((train.Channels, train.Height, train.Width) != (test.Channels, test.Height, test.Width))
        {
            throw new InvalidDataException(
                $"Training images are {train.Channels} x {train.Height} x {train.Width}, test images {test.Channels} x {test.Height} x {test.Width} (channels, height, width): they must be alike.");
        }

        return new ImageData(
            train, test, new View(train, train.Count + test.Count, i => i < train.Count ? (train, i) : (test, i - train.Count)));
    }

    private static ImageData OpenAsTheyAre(string source, ImageOptions options)
    {
        if (source == Sprites.Name)
        {
            return Scale(HoldOut(new Sprites()), options);
        }

        if (Directory.Exists(source))
        {
            return IdxImages.IsIdxFolder(source) ? Scale(IdxImages.OpenFolder(source), options) : ImageFiles.OpenFolder(source, options);
        }

        if (!File.Exists(source))
        {
            throw new FileNotFoundException($"There is no data '{source}': give '{Sprites.Name}', or an existing folder, .tar, .tar.gz, .npy or .npz.");
        }

        return source switch
        {
            _ when source.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) || source.EndsWith(".npz", StringComparison.OrdinalIgnoreCase) => Scale(NumpyImages.Open(source), options),
            _ when ImageFiles.IsTar(source) => ImageFiles.OpenTar(source, options),
            _ => throw new InvalidDataException($"'{source}' is no data source: give a folder, a .tar or .tar.gz of images, or a .npy or .npz."),
        };
    }

    private static ImageData Scale(ImageData data, ImageOptions options)
    {
        var images = data.All;
        var (channels, height, width) = (options.Channels ?? images.Channels, options.Size?.Height ?? images.Height, options.Size?.Width ?? images.Width);
        ImageSource Scaled(ImageSource source) => new ScaledImages(source, channels, height, width);
        return (images.Channels, images.Height, images.Width) == (channels, height, width) ? data : new ImageData(Scaled(data.Train), Scaled(data.Test), Scaled(data.All));
    }

    // Images of other sources under other numbers.
    private sealed class View(ImageSource like, long count, Func<long, (ImageSource Source, long Index)> find) : ImageSource
    {
        public override long Count => count;

        public override int Channels => like.Channels;

        public override int Height => like.Height;

        public override int Width => like.Width;

        public override void Read(long index, Span<byte> pixels)
        {
            var (source, original) = find(index);
            source.Read(original, pixels);
        }

        public override IReadOnlyList<string> Classes => like.Classes;

        public override int LabelOf(long index)
        {
            var (source, original) = find(index);
            return source.LabelOf(original);
        }

        public override string NameOf(long index)
        {
            var (source, original) = find(index);
            return source.NameOf(original);
        }
    }
}
