using System.CommandLine;

namespace OnnxVae.Cli.Options;

/// <summary>
/// Checks a command's words before they are parsed: if an option's value was forgotten, the parser uses the next word, even if that is an option itself.
/// </summary>
internal static class GivenValues
{
    private const string EndOfOptions = "--";

    /// <summary>Removes options whose value is missing or empty.</summary>
    /// <param name="words">The command.</param>
    /// <param name="options">The options that it may have.</param>
    /// <returns>The remaining words, and what is wrong with the removed options, by their names.</returns>
    public static (string[] Words, IReadOnlyDictionary<string, string> Faults) Check(IReadOnlyList<string> words, IEnumerable<Option> options)
    {
        var known = options.ToDictionary(option => option.Name);
        var faults = new Dictionary<string, string>();
        var rest = new List<string>();
        for (int i = 0; i < words.Count; i++)
        {
            if (words[i] == EndOfOptions)
            {
                rest.AddRange(words.Skip(i));
                break;
            }

            var (name, value) = words[i].Split('=', 2) is [var before, var after] ? (before, after) : (words[i], null);
            if (!known.TryGetValue(name, out var option))
            {
                rest.Add(words[i]);
            }
            else if (option.ValueType == typeof(bool))
            {
                Take(name, isRefused: value is not null && !bool.TryParse(value, out _), $"{name} is '{value}'; expected true, false or nothing.", words[i]);
            }
            else if (value is not null)
            {
                Take(name, value.Length == 0, Empty(name), words[i]);
            }
            else if (i + 1 < words.Count && !IsOption(words[i + 1]))
            {
                Take(name, words[++i].Length == 0, Empty(name), name, words[i]);
            }
            else
            {
                Take(name, isRefused: true, i + 1 < words.Count ? $"{name} needs a value, but is followed by the option '{words[i + 1]}'." : $"{name} needs a value.");
            }
        }

        return ([.. rest], faults);

        void Take(string name, bool isRefused, string fault, params string[] taken)
        {
            if (isRefused)
            {
                faults[name] = fault;
            }
            else
            {
                rest.AddRange(taken);
            }
        }

        bool IsOption(string word) => word is EndOfOptions or "--help" or "-h" or "-?" || known.ContainsKey(word.Split('=')[0]);
    }

    private static string Empty(string name) => $"{name} is empty: give it a value, or leave it out.";
}
