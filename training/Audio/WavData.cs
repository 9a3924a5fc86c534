using OnnxVae.Training.Data;

namespace OnnxVae.Training.Audio;

/// <summary>
/// Sound in <c>.wav</c> files as series: windows [C, L] of consecutive samples, C the channels, each window L samples long and the next one after it. Folders named like splits are the
/// splits, and the ones below are classes, as with images.
/// </summary>
public static class WavData
{
    /// <summary>The length of windows unless another one is given, samples.</summary>
    public const int UsualWindow = 1024;

    private const string Extension = ".wav";

    /// <summary>Whether a path is a <c>.wav</c>, or a folder in which one is found before an image.</summary>
    /// <param name="path">The path.</param>
    public static bool IsOne(string path) => Directory.Exists(path)
        ? FilesIn(path).FirstOrDefault(file => IsNamedLikeOne(file) || IsNamedLikeOthers(file)) is { } first && IsNamedLikeOne(first)
        : IsNamedLikeOne(path) && File.Exists(path);

    /// <summary>Reads a <c>.wav</c>, or all in a folder and below it, into memory.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">How data are read: corrupt files are skipped if it says so, and a shape [C, L] is that of the model which will take the windows.</param>
    /// <param name="window">L, in samples; null for that of the model, or else for <see cref="UsualWindow"/>.</param>
    /// <exception cref="InvalidDataException">A file cannot be read, or has other channels or another sample rate; or none is as long as a window; or options are for images.</exception>
    public static ImageData Open(string path, ImageOptions options, int? window = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options is not { Size: null, Channels: null, Layout: null, BinarizationSeed: null })
        {
            throw new InvalidDataException($"'{path}' is sound, which is not scaled to a size, converted to other channels, laid out or binarized: leave that out.");
        }

        int length = window ?? (options.Shape is { Sides: [var side] } ? side : UsualWindow);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1, nameof(window));
        var passedOver = new PassedOver();
        var recordings = new List<Recording>();
        foreach (var (name, file) in FilesOf(path))
        {
            if (!IsNamedLikeOne(file))
            {
                passedOver.Add($"{Path.GetExtension(file)} file", "not a .wav");
                continue;
            }

            if (Read(name, file, options, passedOver) is not { } recording)
            {
                continue;
            }

            if (recordings.Count > 0 && (recording.Channels, recording.SampleRate) != (recordings[0].Channels, recordings[0].SampleRate))
            {
                throw new InvalidDataException(
                    $"'{recordings[0].Name}' has {recordings[0].Format}, '{name}' {recording.Format}: they must be alike. Convert one of them.");
            }

            if (recording.Length < length)
            {
                passedOver.Add("recording", $"shorter than a window of {length} samples");
                continue;
            }

            recordings.Add(recording);
            options.Progress?.Invoke(recordings.Count, recordings.Count);
        }

        return recordings.Count == 0
            ? throw new InvalidDataException($"'{path}' has no .wav of at least {length} samples.{(passedOver.Phrases.Count > 0 ? $" Found were {string.Join(", ", passedOver.Phrases)}." : "")}")
            : Divide(recordings, length, passedOver) with { PassedOver = passedOver.Phrases };
    }

    private static bool IsNamedLikeOthers(string path) => ImageFiles.IsNamedLikeOne(path) || path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase) || Path.GetFileName(path).Contains("-ubyte", StringComparison.Ordinal);

    private static bool IsNamedLikeOne(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    // Hidden files and what is behind links are not part of the data.
    private static IEnumerable<string> FilesIn(string folder) => Directory.EnumerateFiles(
        folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint });

    private static IEnumerable<(string Name, string File)> FilesOf(string path)
    {
        if (File.Exists(path))
        {
            return [(Path.GetFileName(path), path)];
        }

        var files = FilesIn(path).Select(file => (Name: Path.GetRelativePath(path, file).Replace('\\', '/'), File: file)).OrderBy(file => file.Name, StringComparer.Ordinal).ToList();
        return FilePlaces.WithoutCommonFolder([.. files.Select(file => file.Name)]).Zip(files, (name, file) => (name, file.File));
    }

    private static Recording? Read(string name, string file, ImageOptions options, PassedOver passedOver)
    {
        try
        {
            return Recording.Read(name, file);
        }
        catch (InvalidDataException) when (options.SkipCorrupt)
        {
            passedOver.Add("recording", "cannot be read");
            return null;
        }
    }

    private static ImageData Divide(List<Recording> recordings, int length, PassedOver passedOver)
    {
        var places = FilePlaces.Of([.. recordings.Select(recording => recording.Name)]);
        var windows = new WavWindows(recordings, [.. places.Select(place => place.Class)], FilePlaces.ClassesOf(places), length);
        SplitKind[] splits = [.. places.Select(place => place.Split ?? SplitKind.Train).Distinct()];
        if (splits is [not SplitKind.Train and var lone])
        {
            passedOver.AddLoneSplit(lone);
        }

        return splits.Length == 1 ? ImageData.HoldOut(windows) : ImageData.FromSplits(Part(SplitKind.Train), Part(SplitKind.Validation), Part(SplitKind.Test));

        ImageSource? Part(SplitKind split)
        {
            long[] indices = [.. places.Index().Where(place => (place.Item.Split ?? SplitKind.Train) == split).SelectMany(place => windows.WindowsOf(place.Index))];
            return indices.Length > 0 ? new SelectedImages(windows, indices) : null;
        }
    }
}
