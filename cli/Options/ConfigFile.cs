using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OnnxVae.Cli.Options;

/// <summary>
/// A file of options, JSON or YAML: <c>learning-rate: 0.001</c>, with or without hyphens (<c>learningRate</c>). Options that are given on the command line as well
/// win over those in the file.
/// </summary>
internal static class ConfigFile
{
    private const int MostCharacters = 1 << 20, MostBrackets = 1000; // deep nesting would end the process

    // What YAML 1.1 calls them.
    private static readonly Dictionary<string, string> Booleans = new(StringComparer.OrdinalIgnoreCase) { ["yes"] = "true", ["on"] = "true", ["no"] = "false", ["off"] = "false" };

    /// <summary>The words of a command, followed by the options of a file that the command does not have itself.</summary>
    /// <param name="words">The command.</param>
    /// <param name="file">The file.</param>
    /// <param name="verb">The command's verb.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UsageException">It is neither JSON nor YAML, or has an entry that is not an option of the verb.</exception>
    public static string[] Expand(IReadOnlyList<string> words, string file, Verb verb)
    {
        string[] names = [.. verb.Options.Options.Select(row => row.Option.Name)];
        HashSet<string> switches = [.. verb.Options.Options.Where(row => row.Option.ValueType == typeof(bool)).Select(row => row.Option.Name)];
        var given = words.Select(word => word.Split('=')[0]).ToHashSet();
        var added = new List<string>();
        foreach (var (name, value) in Read(file))
        {
            string option = OptionNames.OfProperty(name.TrimStart('-'));
            if (!names.Contains(option))
            {
                throw new UsageException($"'{file}' has '{name}', but '{verb.About.Name}' has no option '{option}'.{Suggestion.For(option, names)}");
            }

            if (!verb.Options.AlternativesOf(option).Any(given.Contains))
            {
                added.Add($"{option}={(switches.Contains(option) && Booleans.TryGetValue(value, out string? word) ? word : value)}");
            }
        }

        int end = words.ToList().IndexOf("--");
        return end < 0 ? [.. words, .. added] : [.. words.Take(end), .. added, .. words.Skip(end)];
    }

    /// <summary>Writes options as such a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="options">Values by the options' names, without hyphens in front.</param>
    public static void Write(string file, IEnumerable<KeyValuePair<string, object>> options)
    {
        var json = new JsonObject(options.Select(option => KeyValuePair.Create(option.Key, JsonSerializer.SerializeToNode(option.Value))));
        AtomicFile.WriteText(file, $"{json.ToJsonString(Manifest.JsonOptions)}\n");
    }

    private static List<(string Name, string Value)> Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new FileNotFoundException($"There is no options file '{file}'.");
        }

        string text = RegularFile.ReadText(file);
        if (text.Length > MostCharacters || text.Count(character => character is '[' or '{') > MostBrackets)
        {
            throw new UsageException($"'{file}' is not a file of options: it is too long, or has too many brackets.");
        }

        try
        {
            return file.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ReadJson(file, text) : ReadYaml(file, text);
        }
        catch (JsonException e)
        {
            throw new UsageException($"'{file}' is not a file of options: {e.Message}");
        }
        catch (YamlException e)
        {
            throw new UsageException($"'{file}' is not a file of options: line {e.Start.Line}: {e.Message}");
        }
    }

    private static List<(string, string)> ReadJson(string file, string text)
    {
        var options = new JsonDocumentOptions { AllowDuplicateProperties = false, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        var entries = JsonNode.Parse(text, documentOptions: options) as JsonObject ?? throw Unexpected(file);
        return [.. entries.Where(entry => entry.Value is not null).Select(entry => (entry.Key, TextOf(entry.Key, entry.Value!)))];

        string TextOf(string name, JsonNode value) => value switch
        {
            JsonArray list when list.All(item => item is JsonValue) => string.Join(',', list.Select(item => TextOf(name, item!))),
            JsonValue scalar => scalar.GetValueKind() == JsonValueKind.String ? scalar.GetValue<string>() : scalar.ToJsonString(),
            _ => throw Unexpected(file, name),
        };
    }

    private static List<(string, string)> ReadYaml(string file, string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents.Count == 0 ? []
            : stream.Documents[0].RootNode is YamlMappingNode entries ? [.. entries.Where(entry => !IsNull(entry.Value)).Select(entry => (TextOf("a name", entry.Key), TextOf($"{entry.Key}", entry.Value)))]
            : throw Unexpected(file);

        string TextOf(string what, YamlNode value) => value switch
        {
            YamlSequenceNode list => string.Join(',', list.Select(item => item is YamlScalarNode ? TextOf(what, item) : throw Unexpected(file, what))),
            YamlScalarNode scalar => scalar.Value ?? "",
            _ => throw Unexpected(file, what),
        };

        static bool IsNull(YamlNode value) => value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" };
    }

    private static UsageException Unexpected(string file, string? name = null) =>
        new($"'{file}': {(name is null ? "" : $"'{name}' is neither a value nor a list of values; ")}expected options with their values, as in learning-rate: 0.001.");
}
