using System.CommandLine;
using System.Text;

namespace OnnxVae.Cli.Options;

/// <summary>The text of <c>--help</c>: verbs and options by topic, in lines that fit the terminal.</summary>
internal static class HelpText
{
    private const int UsualWidth = 100;
    private const int NarrowestText = 40;
    private const int WidestName = 30;
    private const int Indent = 2;

    private static readonly Dictionary<VerbTopic, string> VerbTopics = new()
    {
        [VerbTopic.Train] = "Train and evaluate",
        [VerbTopic.Images] = "Make images",
        [VerbTopic.Latents] = "Work with latents",
        [VerbTopic.Ship] = "Ship",
        [VerbTopic.Look] = "Look inside",
    };

    /// <summary>The list of verbs.</summary>
    /// <param name="summary">What the program is.</param>
    /// <param name="verbs">The verbs.</param>
    /// <param name="common">Options of all verbs.</param>
    public static string OfAll(string summary, IEnumerable<Verb> verbs, IEnumerable<Option> common)
    {
        var text = new StringBuilder();
        Paragraph(text, summary);
        Section(text, "Usage", [("onnxvae VERB [options]", ""), ("onnxvae VERB --help", "what a verb takes")]);
        foreach (var topic in verbs.GroupBy(verb => verb.About.Topic))
        {
            Section(text, VerbTopics[topic.Key], topic.Select(verb => (verb.About.Name, verb.About.Summary)));
        }

        Section(text, "With every verb", common.Select(option => (NameOf(option), option.Description ?? "")));
        return text.ToString();
    }

    /// <summary>The help of a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="common">Options of all verbs.</param>
    public static string Of(Verb verb, IEnumerable<Option> common)
    {
        var text = new StringBuilder();
        Paragraph(text, $"{verb.About.Summary} {verb.About.Details}".TrimEnd());
        string arguments = string.Concat(verb.Options.Arguments.Select(argument => $" {argument.Name}"));
        Section(text, "Usage", [($"onnxvae {verb.About.Name}{arguments} [options]", "")]);
        Section(text, "Arguments", verb.Options.Arguments.Select(argument => (argument.Name, argument.Description ?? "")));
        foreach (var topic in verb.Options.Options.GroupBy(option => option.Topic).OrderBy(topic => topic.Key))
        {
            Section(text, $"{topic.Key}", topic.Select(option => (NameOf(option.Option), Description(option.Option, option.Default))));
        }

        Section(text, "With every verb", common.Select(option => (NameOf(option), option.Description ?? "")));
        Paragraph(text, $"Example: onnxvae {verb.About.Example}");
        return text.ToString();
    }

    private static string NameOf(Option option) => option.ValueType == typeof(bool) ? option.Name : $"{option.Name} {ValueOf(option)}";

    private static string ValueOf(Option option) => (Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) switch
    {
        var type when type == typeof(string) || type == typeof(string[]) => "TEXT",
        var type when type == typeof(double) => "NUMBER",
        _ => "N",
    };

    private static string Description(Option option, string usual)
    {
        string[] names = option.ValueType == typeof(bool) ? [] : [.. option.CompletionSources.SelectMany(source => source(System.CommandLine.Completions.CompletionContext.Empty)).Select(item => item.Label)];
        string choice = names.Length == 0 ? "" : $" One of {string.Join(", ", names)}.";
        return $"{option.Description}{choice}{(option.Required ? " Required." : usual.Length > 0 ? $" Default {usual}." : "")}";
    }

    private static void Paragraph(StringBuilder text, string words)
    {
        foreach (string line in Wrap(words, Width))
        {
            text.AppendLine(line);
        }

        text.AppendLine();
    }

    private static void Section(StringBuilder text, string title, IEnumerable<(string Name, string Description)> entries)
    {
        var rows = entries.ToArray();
        if (rows.Length == 0)
        {
            return;
        }

        int names = rows.Where(row => row.Name.Length <= WidestName).Select(row => row.Name.Length).DefaultIfEmpty().Max();
        int column = Indent + names + Indent;
        text.AppendLine(title);
        foreach (var (name, description) in rows)
        {
            string head = $"{new string(' ', Indent)}{name}".PadRight(column);
            string[] lines = [.. Wrap(description, Math.Max(NarrowestText, Width - column))];
            if (head.Length > column && lines.Length > 0)
            {
                text.AppendLine(head.TrimEnd());
                head = new string(' ', column);
            }

            text.AppendLine($"{head}{lines.FirstOrDefault()}".TrimEnd());
            foreach (string line in lines.Skip(1))
            {
                text.Append(' ', column).AppendLine(line);
            }
        }

        text.AppendLine();
    }

    private static int Width => Console.IsOutputRedirected ? UsualWidth : Math.Max(UsualWidth / 2, Console.WindowWidth - 1);

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new StringBuilder();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        if (line.Length > 0)
        {
            yield return line.ToString();
        }
    }
}
