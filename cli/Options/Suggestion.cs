namespace OnnxVae.Cli.Options;

/// <summary>Suggests what a mistyped word may have been meant to be.</summary>
internal static class Suggestion
{
    private const int MostEdits = 2;

    /// <summary>The name closest to a word, as a question that follows a sentence; empty if none is close.</summary>
    /// <param name="word">The word.</param>
    /// <param name="names">The names that it may have been meant to be.</param>
    public static string For(string word, IEnumerable<string> names)
    {
        var nearest = names.Select(name => (Name: name, Edits: Distance(word, name))).OrderBy(candidate => candidate.Edits).ThenBy(candidate => candidate.Name, StringComparer.Ordinal).FirstOrDefault();
        return nearest.Name is not null && nearest.Edits <= MostEdits && 2 * nearest.Edits < nearest.Name.TrimStart('-').Length ? $" Did you mean '{nearest.Name}'?" : "";
    }

    // Levenshtein 1966: the minimum number of letters to insert, delete or replace.
    private static int Distance(string a, string b)
    {
        int[] edits = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = edits[0];
            edits[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = edits[j];
                edits[j] = Math.Min(replaced, Math.Min(edits[j], edits[j - 1]) + 1);
            }
        }

        return edits[^1];
    }
}
