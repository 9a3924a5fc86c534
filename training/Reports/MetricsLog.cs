using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Training.Reports;

/// <summary>The file <c>metrics.jsonl</c>: one JSON object per line, with a step and named numbers.</summary>
public static class MetricsLog
{
    /// <summary>The entry of a line that says what has changed at its step, when the run was resumed.</summary>
    public const string Changed = "changed";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Appends a line.</summary>
    public static void Append(string path, JsonObject line) => File.AppendAllText(path, line.ToJsonString() + "\n");

    /// <summary>Reads the lines up to a step; lines truncated by a crash, or that are not lines of the log, are skipped.</summary>
    public static IReadOnlyList<JsonObject> Read(string path, long lastStep = long.MaxValue) => new FileInfo(path) is { Exists: true, Length: > 0 }
        ? [.. RegularFile.ReadText(path).Split('\n').Select(TryParse).OfType<JsonObject>().Where(line => StepOf(line) is { } step && step <= lastStep)]
        : [];

    /// <summary>Removes the lines after a step, when training resumes there.</summary>
    public static void TruncateAfter(string path, long step) =>
        AtomicFile.WriteText(path, string.Concat(Read(path, step).Select(line => line.ToJsonString() + "\n")));

    /// <summary>A number of a line; null if the line has none of that name.</summary>
    public static double? ValueOf(JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue(out double number) ? number : null;

    private static long? StepOf(JsonObject line) => line["step"] is JsonValue value && value.TryGetValue(out long step) ? step : null;

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
