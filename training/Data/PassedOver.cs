using System.Globalization;

namespace OnnxVae.Training.Data;

/// <summary>Counts what was found among the data but is not part of them, by reason.</summary>
internal sealed class PassedOver
{
    private readonly SortedDictionary<(string Kind, string Reason), long> counts = [];

    /// <summary>Counts items.</summary>
    /// <param name="kind">What it is, in the singular.</param>
    /// <param name="reason">Why it is not part of the data; empty if the kind implies it.</param>
    /// <param name="count">How many.</param>
    public void Add(string kind, string reason = "", long count = 1)
    {
        if (count > 0)
        {
            counts[(kind, reason)] = counts.GetValueOrDefault((kind, reason)) + count;
        }
    }

    /// <summary>Counts a file of an unknown kind, by its extension.</summary>
    public void AddFile(string name)
    {
        string ending = Path.GetExtension(name).ToLowerInvariant();
        Add($"{(ending.Length > 0 ? $"{ending} " : "other ")}file", "not an image format that is read");
    }

    /// <summary>Counts a split that has no training split with it, and whose images therefore serve as all images.</summary>
    public void AddLoneSplit(SplitKind split) => Add($"split called {split.ToString().ToLowerInvariant()}", "there is no training split, so all images are used as one set");

    /// <summary>A phrase for each reason, as in <c>2 .tif files (not an image format that is read)</c>.</summary>
    public IReadOnlyList<string> Phrases => [.. counts.Select(entry => string.Create(
        CultureInfo.InvariantCulture, $"{entry.Value} {entry.Key.Kind}{(entry.Value == 1 ? "" : "s")}{(entry.Key.Reason.Length > 0 ? $" ({entry.Key.Reason})" : "")}"))];
}
