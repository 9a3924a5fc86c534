namespace OnnxVae.Training.Data;

/// <summary>A part of a data set.</summary>
internal enum SplitKind
{
    /// <summary>Trained on.</summary>
    Train,

    /// <summary>Looked at while training, never trained on.</summary>
    Validation,

    /// <summary>Held back until the model is finished.</summary>
    Test,
}

/// <summary>What the splits of a data set are called in folders and archives, in small letters or capitals.</summary>
internal static class SplitNames
{
    private const string Ambiguous = "dev"; // a split beside a training split, or else a class like any other

    private static readonly Dictionary<string, SplitKind> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["train"] = SplitKind.Train,
        ["training"] = SplitKind.Train,
        ["val"] = SplitKind.Validation,
        ["valid"] = SplitKind.Validation,
        ["validation"] = SplitKind.Validation,
        [Ambiguous] = SplitKind.Validation,
        ["test"] = SplitKind.Test,
        ["testing"] = SplitKind.Test,
    };

    /// <summary>The splits among the names of some folders.</summary>
    public static IReadOnlyDictionary<string, SplitKind> Among(IEnumerable<string> folders)
    {
        string[] named = [.. folders.Distinct().Where(Known.ContainsKey)];
        bool hasTraining = named.Any(name => Known[name] == SplitKind.Train);
        return named.Where(name => hasTraining || !name.Equals(Ambiguous, StringComparison.OrdinalIgnoreCase)).ToDictionary(name => name, name => Known[name]);
    }

    /// <summary>The split that one of the words of a name stands for, as in <c>x_train</c>; null for none.</summary>
    public static SplitKind? In(string name)
    {
        foreach (string word in Words(name))
        {
            if (Known.TryGetValue(word, out var split))
            {
                return split;
            }
        }

        return null;
    }

    /// <summary>The words of a name, in small letters: its runs of letters.</summary>
    public static IReadOnlyList<string> Words(string name) =>
        new string([.. name.Select(character => char.IsLetter(character) ? char.ToLowerInvariant(character) : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
