using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace OnnxVae.Format;

/// <summary>The table of contents of a training package, stored as <c>manifest.json</c>.</summary>
/// <param name="FormatVersion">Version of the package format.</param>
/// <param name="Model">A description of the model, for people and to distinguish its checkpoints from those of other models.</param>
/// <param name="Training">How it is trained, for people: batch size, optimizer, schedules.</param>
/// <param name="Step">The training step.</param>
/// <param name="Evaluate">The evaluation of one batch.</param>
/// <param name="States">Every state, in the order of the initial file.</param>
/// <param name="Deployables">Files of the graphs that are exported after training, by role (<c>encoder</c>, <c>decoder</c>).</param>
/// <param name="Weigh">Only the log-weight of another sample for a batch, without the rest of the evaluation; null if there is no such weight.</param>
/// <param name="Split">The training step in two programs, for batches that are computed in parts; null if it was not compiled.</param>
public sealed record Manifest(
    int FormatVersion,
    JsonObject Model,
    JsonObject Training,
    ProgramSpec Step,
    ProgramSpec Evaluate,
    IReadOnlyList<StateSpec> States,
    IReadOnlyDictionary<string, DeployableFiles> Deployables,
    ProgramSpec? Weigh = null,
    SplitSpec? Split = null)
{
    /// <summary>All programs.</summary>
    [JsonIgnore]
    public IReadOnlyList<ProgramSpec> Programs => [.. ((ProgramSpec?[])[Step, Evaluate, Weigh, Split?.Gradients, Split?.Apply]).OfType<ProgramSpec>()];

    private const long LargestMetric = 1L << 30; // numbers per batch

    /// <summary>The version that this code reads and writes.</summary>
    public const int CurrentFormatVersion = 4;

    /// <summary>How manifests, and the options of runs, are written as JSON.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new ShapeConverter() },
    };

    /// <summary>What is wrong with a manifest that is valid JSON; null if nothing is.</summary>
    internal string? FindFault()
    {
        if (HasNull(States) || HasNull(Deployables.Values) || Deployables.Values.Any(graph => HasNull(graph.All)) || Programs.Any(program => HasNull(program.Inputs) || HasNull(program.States) || HasNull(program.Updates) || HasNull(program.Metrics)))
        {
            return "an entry of a list is null";
        }

        var states = States.Select(state => state.Name).ToHashSet();
        string? file = Programs.SelectMany(program => program.Files).Concat(Deployables.Values.SelectMany(graph => graph.All)).FirstOrDefault(name => !IsPlain(name));
        string? state = Programs.SelectMany(program => program.States.Concat(program.Updates)).FirstOrDefault(name => !states.Contains(name));
        return file is not null ? $"'{file}' is not the plain name of a file"
            : states.Count != States.Count ? "two states have the same name"
            : state is not null ? $"there is no state '{state}', which a program reads or changes"
            : States.Any(spec => spec.Shape.Any(size => size < 0)) ? "a state has no fixed shape"
            : Programs.SelectMany(program => program.Metrics).Any(metric => !IsFixed(metric.Shape)) ? "a metric's shape is not fixed, or is too large"
            : Programs.Any(program => program != Split?.Apply && !program.HasImages) ? "a program has no input for images"
            : Programs.Any(program => program.Inputs.Any(input => input.Role == InputRole.Schedule && input.Schedule is null)) ? "a scheduled input has no schedule"
            : Step.Metrics.Count(metric => metric.Role == MetricRole.Loss) != 1 ? "the training step does not have one loss"
            : Split?.FindFault(Step);
    }

    private static bool HasNull<T>(IEnumerable<T> entries) where T : class => entries.Any(entry => entry is null);

    private static bool IsFixed(Shape shape) => shape.Aggregate((Int128)1, (count, size) => size < 0 ? LargestMetric + 1 : Int128.Min(count * size, LargestMetric + 1)) <= LargestMetric;

    // Packages may come from others: the files they name are written to and read from their own folder only.
    private static bool IsPlain(string name) => name.Length > 0 && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;

    private sealed class ShapeConverter : JsonConverter<Shape>
    {
        public override Shape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            [.. JsonSerializer.Deserialize<long[]>(ref reader, options)!];

        public override void Write(Utf8JsonWriter writer, Shape value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.ToArray(), options);
    }
}
