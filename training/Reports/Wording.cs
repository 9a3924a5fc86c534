using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace OnnxVae.Training.Reports;

/// <summary>Names and values of files, for people.</summary>
internal static class Wording
{
    private const string KindEntry = "kind"; // of a schedule

    /// <summary>A name in camel case as words: <c>learningRate</c> as "learning rate".</summary>
    public static string Name(string camelCase)
    {
        var words = new StringBuilder();
        foreach (char character in camelCase)
        {
            words.Append(char.IsUpper(character) && words.Length > 0 ? $" {char.ToLowerInvariant(character)}" : character is '_' or '.' or '-' ? " " : $"{character}");
        }

        return words.ToString();
    }

    /// <summary>The name of a file or folder without the folders it is in; any other name as it is.</summary>
    public static string LastPart(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) is { Length: > 0 } name ? name : path;

    /// <summary>A sentence's first letter in capitals.</summary>
    public static string Sentence(string text) => text.Length == 0 ? text : $"{char.ToUpperInvariant(text[0])}{text[1..]}";

    /// <summary>A number with as many digits as can matter.</summary>
    public static string Number(double value) =>
        value == Math.Floor(value) && Math.Abs(value) < 1e15 ? value.ToString("#,0", CultureInfo.InvariantCulture)
        : Math.Abs(value) is >= 1e-4 and < 0.01 ? value.ToString("0.#######", CultureInfo.InvariantCulture)
        : Math.Abs(value) is >= 0.01 and < 1e6 ? value.ToString("#,0.###", CultureInfo.InvariantCulture)
        : value.ToString("0.###e0", CultureInfo.InvariantCulture);

    /// <summary>A value from a file; empty for null.</summary>
    public static string Value(JsonNode? value) => value switch
    {
        JsonObject { Count: > 0 } schedule when schedule[KindEntry] is JsonValue kind => Schedule($"{kind}", schedule),
        JsonObject group => string.Join(", ", group.Where(entry => entry.Value is not null).Select(entry => $"{Name(entry.Key)} {Value(entry.Value)}")),
        JsonArray array => string.Join(", ", array.Select(Value)),
        JsonValue flag when flag.TryGetValue(out bool isSet) => isSet ? "yes" : "no",
        JsonValue number when number.GetValueKind() == System.Text.Json.JsonValueKind.Number => Number(double.Parse(number.ToJsonString(), CultureInfo.InvariantCulture)),
        null => "",
        var text => $"{text}",
    };

    private static string Schedule(string kind, JsonObject schedule) => kind switch
    {
        "constant" => Value(schedule["value"]),
        "warmUp" when $"{schedule["steps"]}" == "0" => Value(schedule["value"]),
        "changed" => $"{Value(schedule["before"])} up to step {Value(schedule["lastStep"])}, then {Value(schedule["after"])}",
        _ => string.Join(", ", schedule.Where(entry => entry.Key != KindEntry && entry.Value is not null).Select(entry => $"{Name(entry.Key)} {Value(entry.Value)}").Prepend(Name(kind))),
    };

    /// <summary>A length of time.</summary>
    public static string Time(double seconds) => TimeSpan.FromSeconds(Math.Min(Math.Round(seconds), TimeSpan.MaxValue.TotalSeconds / 2)) switch
    {
        { TotalDays: >= 1 } time => $"{(int)time.TotalDays} d {time.Hours} h",
        { TotalHours: >= 1 } time => $"{time.Hours} h {time.Minutes} min",
        { TotalMinutes: >= 1 } time => $"{time.Minutes} min {time.Seconds} s",
        var time => $"{time.Seconds} s",
    };
}
