namespace OnnxVae.Training.Data;

/// <summary>A part of a data set.</summary>
internal enum SplitKind
{
    /// <summary>Used for training.</summary>
    Train,

    /// <summary>Evaluated during training, never trained on.</summary>
    Validation,

    /// <summary>Held out until the model is finished.</summary>
    Test,
}

/// <summary>The names of splits in folders and archives, in lower or upper case.</summary>
internal static class SplitNames
{
    private const string Ambiguous = "dev"; // a split if there is a training split, otherwise a class like any other

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

    /// <summary>The splits among folder names.</summary>
    public static IReadOnlyDictionary<string, SplitKind> Among(IEnumerable<string> folders)
    {
        string[] named = [.. folders.Distinct().Where(Known.ContainsKey)];
        bool hasTraining = named.Any(name => Known[name] == SplitKind.Train);
        return named.Where(name => hasTraining || !name.Equals(Ambiguous, StringComparison.OrdinalIgnoreCase)).ToDictionary(name => name, name => Known[name]);
    }

    /// <summary>The split that a word of a name stands for, as in <c>x_train</c>; null for none.</summary>
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

    /// <summary>The words of a name in lower case: its runs of letters.</summary>
    public static IReadOnlyList<string> Words(string name) =>
        new string([.. name.Select(character => char.IsLetter(character) ? char.ToLowerInvariant(character) : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
