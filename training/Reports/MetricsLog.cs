using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Training.Reports;

/// <summary>The file <c>metrics.jsonl</c>: one JSON object per line, with a step and named numbers.</summary>
public static class MetricsLog
{
    /// <summary>The entry of a line that says what has changed at its step, when the run was resumed.</summary>
    public const string Changed = "changed";

    /// <summary>The entry of a line for the images per second since the line before it.</summary>
    public const string Speed = "imagesPerSecond";

    /// <summary>
    /// The entry of a line for the share of the time since the line before it in which several processes did not add up their contributions, or wait for each other;
    /// their average.
    /// </summary>
    public const string Efficiency = "efficiency";

    /// <summary>The entry of a line for the seconds of training so far, in all processes that worked on the run.</summary>
    public const string Seconds = "seconds";

    /// <summary>The entry of a line for when it was written, UTC, ISO 8601.</summary>
    public const string Time = "time";

    private const string StepEntry = "step";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Appends a line, on a line of its own even if a crash truncated the last one.</summary>
    public static void Append(string path, JsonObject line)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        bool isOpen = file.Length > 0 && file.Seek(-1, SeekOrigin.End) >= 0 && file.ReadByte() != '\n';
        file.Seek(0, SeekOrigin.End);
        file.Write(Encoding.UTF8.GetBytes($"{(isOpen ? "\n" : "")}{line.ToJsonString()}\n"));
    }

    /// <summary>Reads the lines up to a step; lines truncated by a crash, or that are not lines of the log, are skipped.</summary>
    public static IReadOnlyList<JsonObject> Read(string path, long lastStep = long.MaxValue) => new FileInfo(path) is { Exists: true, Length: > 0 }
        ? [.. RegularFile.ReadText(path).Split('\n').Select(TryParse).OfType<JsonObject>().Where(line => StepOf(line) is { } step && step <= lastStep)]
        : [];

    /// <summary>Removes the lines after a step, when training resumes there, except for those that say what changed: that remains so.</summary>
    public static void TruncateAfter(string path, long step) =>
        AtomicFile.WriteText(path, string.Concat(Read(path).Where(line => StepOf(line) <= step || line.ContainsKey(Changed)).Select(line => line.ToJsonString() + "\n")));

    /// <summary>A number of a line; null if the line has none of that name.</summary>
    public static double? ValueOf(JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue(out double number) ? number : null;

    /// <summary>All numbers of a line but its step, by name.</summary>
    public static IReadOnlyDictionary<string, double> NumbersOf(JsonObject line)
    {
        var read = JsonNode.Parse(line.ToJsonString())!.AsObject(); // so that a number is the same before and after it was written
        return read.Where(entry => entry.Key != StepEntry && ValueOf(read, entry.Key) is not null).ToDictionary(entry => entry.Key, entry => ValueOf(read, entry.Key)!.Value);
    }

    /// <summary>The seconds of training up to the last line; 0 if there is none.</summary>
    internal static double SecondsOf(string path) => Read(path).Select(line => ValueOf(line, Seconds)).LastOrDefault(value => value is not null) ?? 0;

    /// <summary>The last step with a line; null if there is none.</summary>
    internal static long? LastStepOf(string path) => Read(path).Max(StepOf);

    private static long? StepOf(JsonObject line) => line[StepEntry] is JsonValue value && value.TryGetValue(out long step) ? step : null;

    private static JsonObject? TryParse(string line)
    {
        try
        {
            return JsonNode.Parse(line, documentOptions: Strict) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
