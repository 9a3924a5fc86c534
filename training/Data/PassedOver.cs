using System.Globalization;

namespace OnnxVae.Training.Data;

/// <summary>Counts what was found where data were looked for and is not part of them, by reason.</summary>
internal sealed class PassedOver
{
    private readonly SortedDictionary<(string Kind, string Reason), int> counts = [];

    /// <summary>Counts something.</summary>
    /// <param name="kind">What it is, in the singular.</param>
    /// <param name="reason">Why it is not part of the data; empty where the kind says it.</param>
    public void Add(string kind, string reason = "") => counts[(kind, reason)] = counts.GetValueOrDefault((kind, reason)) + 1;

    /// <summary>Counts a file that is read as nothing, by its ending.</summary>
    public void AddFile(string name)
    {
        string ending = Path.GetExtension(name).ToLowerInvariant();
        Add($"{(ending.Length > 0 ? $"{ending} " : "other ")}file", "not an image format that is read");
    }

    /// <summary>Counts the name of a split that is the only one.</summary>
    public void AddLoneSplit(SplitKind split) => Add($"split called {split.ToString().ToLowerInvariant()}", "there is none to train on beside it, so that it is taken for all images");

    /// <summary>A phrase for each reason, as in <c>2 .tif files (not an image format that is read)</c>.</summary>
    public IReadOnlyList<string> Phrases => [.. counts.Select(entry => string.Create(
        CultureInfo.InvariantCulture, $"{entry.Value} {entry.Key.Kind}{(entry.Value == 1 ? "" : "s")}{(entry.Key.Reason.Length > 0 ? $" ({entry.Key.Reason})" : "")}"))];
}
