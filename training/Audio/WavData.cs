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
        ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).FirstOrDefault(file => IsNamedLikeOne(file) || ImageFiles.IsNamedLikeOne(file)) is { } first && IsNamedLikeOne(first)
        : IsNamedLikeOne(path) && File.Exists(path);

    /// <summary>Reads a <c>.wav</c>, or all in a folder and below it, into memory.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">How data are read: corrupt files are skipped if it says so, and a shape [C, L] is that of the model which will take the windows.</param>
    /// <param name="window">L, in samples; null for that of the model, or else for <see cref="UsualWindow"/>.</param>
    /// <exception cref="InvalidDataException">A file cannot be read, or has other channels or another sample rate; or none is as long as a window.</exception>
    public static ImageData Open(string path, ImageOptions options, int? window = null)
    {
        ArgumentNullException.ThrowIfNull(options);
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
            : Divide(recordings, length) with { PassedOver = passedOver.Phrases };
    }

    private static bool IsNamedLikeOne(string path) => path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<(string Name, string File)> FilesOf(string path) => File.Exists(path)
        ? [(Path.GetFileName(path), path)]
        : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(file => (Path.GetRelativePath(path, file).Replace('\\', '/'), file)).OrderBy(file => file.Item1, StringComparer.Ordinal);

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

    // Of data without splits, whole recordings are held out, as their windows are alike.
    private static ImageData Divide(List<Recording> recordings, int length)
    {
        var places = FilePlaces.Of([.. recordings.Select(recording => recording.Name)]);
        var windows = new WavWindows(recordings, [.. places.Select(place => place.Class)], FilePlaces.ClassesOf(places), length);
        return places.All(place => place.Split is null)
            ? ImageData.HoldOut(windows, [.. recordings.Select(recording => recording.Length / length)])
            : ImageData.FromSplits(Part(SplitKind.Train), Part(SplitKind.Validation), Part(SplitKind.Test));

        ImageSource? Part(SplitKind split)
        {
            long[] indices = [.. places.Index().Where(place => (place.Item.Split ?? SplitKind.Train) == split).SelectMany(place => windows.WindowsOf(place.Index))];
            return indices.Length > 0 ? new SelectedImages(windows, indices) : null;
        }
    }
}
