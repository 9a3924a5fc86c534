using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Programs;

/// <summary>What a program's input is filled with.</summary>
public enum InputRole
{
    /// <summary>A part of the batch.</summary>
    Data,

    /// <summary>Independent standard-normal numbers.</summary>
    StandardNormal,

    /// <summary>Independent numbers, uniform in [0, 1).</summary>
    Uniform,

    /// <summary>Independent numbers, uniform in [0, 1), that belong to the batch's data: further draws for the same data keep them.</summary>
    DataUniform,

    /// <summary>A scalar computed from the step.</summary>
    Schedule,
}

/// <summary>What a state is to the model.</summary>
public enum StateRole
{
    /// <summary>Trained by gradient.</summary>
    Parameter,

    /// <summary>A parameter that stays as it is.</summary>
    Frozen,

    /// <summary>The average of a parameter along training.</summary>
    Average,

    /// <summary>An optimizer's memory.</summary>
    Optimizer,

    /// <summary>A statistic of the data or the model that the step keeps up to date.</summary>
    Statistic,
}

/// <summary>What a metric means to whoever runs the program.</summary>
public enum MetricRole
{
    /// <summary>The scalar that is minimised; training stops when it is not finite.</summary>
    Loss,

    /// <summary>A scalar to be logged.</summary>
    Scalar,

    /// <summary>A tensor of any shape, such as a gradient, for whoever runs the program.</summary>
    Tensor,

    /// <summary>One number per row of the batch, to be averaged over a data set.</summary>
    PerRow,

    /// <summary>Log-weight of the drawn sample per row; several draws give an importance-weighted log-likelihood.</summary>
    LogImportanceWeight,

    /// <summary>One number per row of the batch and latent, [N, L], to be averaged over a data set latent by latent.</summary>
    PerLatent,

    /// <summary>Means of the approximate posterior, [N, L].</summary>
    PosteriorMean,

    /// <summary>Log-variances of the approximate posterior, [N, L].</summary>
    PosteriorLogVariance,

    /// <summary>How often each code of a codebook occurs in each row of the batch, [N, K].</summary>
    CodeCounts,

    /// <summary>One number per row of the batch, computed with latents of the row before it in the batch, the last one's for the first.</summary>
    PerRowExchanged,

    /// <summary>The variance of each latent under the prior, [L]; 1 where there is no such metric.</summary>
    PriorVariance,
}

/// <summary>An input of a program.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What fills it.</param>
/// <param name="Schedule">How it follows the step, for <see cref="InputRole.Schedule"/>.</param>
public sealed record InputSpec(string Name, ElementType Type, Shape Shape, InputRole Role, Schedule? Schedule = null);

/// <summary>A state.</summary>
/// <param name="Name">Its name in files and checkpoints.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What it is to the model.</param>
public sealed record StateSpec(string Name, ElementType Type, Shape Shape, StateRole Role);

/// <summary>A metric.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What it means.</param>
public sealed record MetricSpec(string Name, ElementType Type, Shape Shape, MetricRole Role)
{
    /// <summary>The name of the file's output where it is another: a state or an input has the metric's.</summary>
    public string? Output { get; init; }

    /// <summary>The name of the file's output.</summary>
    [JsonIgnore]
    public string OutputName => Output ?? Name;
}

/// <summary>A program of a package.</summary>
/// <param name="File">Its file in the package.</param>
/// <param name="Inputs">What the runner brings.</param>
/// <param name="States">Names of the states that it reads.</param>
/// <param name="Updates">Names of the states that it changes; <see cref="Program.NextName"/> gives the outputs' names.</param>
/// <param name="Metrics">What it reports.</param>
public sealed record ProgramSpec(
    string File, IReadOnlyList<InputSpec> Inputs, IReadOnlyList<string> States, IReadOnlyList<string> Updates, IReadOnlyList<MetricSpec> Metrics)
{
    /// <summary>The file of the same program without metrics; null if there is none.</summary>
    public string? SilentFile { get; init; }

    /// <summary>Its files in the package.</summary>
    [JsonIgnore]
    public IEnumerable<string> Files => SilentFile is null ? [File] : [File, SilentFile];

    /// <summary>The only input that takes images, UInt8 [N, C, H, W].</summary>
    [JsonIgnore]
    public InputSpec Images => FindImages() ?? throw new InvalidOperationException($"Program '{File}' has no input for images.");

    /// <summary>Whether there is such an input, of a fixed shape.</summary>
    internal bool HasImages => FindImages() is { } images && images.Shape.All(size => size > 0);

    /// <summary>The input that takes the images' classes, Int64 [N]; null if there is none.</summary>
    [JsonIgnore]
    public InputSpec? Labels => Inputs.FirstOrDefault(input => input is { Role: InputRole.Data, Type: ElementType.Int64, Shape.Rank: 1 });

    // Asked for at every step, which allocates nothing.
    private InputSpec? FindImages()
    {
        for (int i = 0; i < Inputs.Count; i++)
        {
            if (Inputs[i] is { Role: InputRole.Data, Type: ElementType.UInt8, Shape.Rank: 4 })
            {
                return Inputs[i];
            }
        }

        return null;
    }
}

/// <summary>The table of contents of a training package, stored as <c>manifest.json</c>.</summary>
/// <param name="FormatVersion">Version of the package format.</param>
/// <param name="Model">What the model is, for people, and to tell the checkpoints of one model from those of another.</param>
/// <param name="Training">How it is trained, for people: batch size, optimizer, schedules.</param>
/// <param name="Step">The training step.</param>
/// <param name="Evaluate">The evaluation of one batch.</param>
/// <param name="States">Every state, in the order of the initial file.</param>
/// <param name="Deployables">Files of the graphs that are exported after training, by role (<c>encoder</c>, <c>decoder</c>).</param>
/// <param name="Weigh">The log-weight of a further sample of a batch, and nothing else of the evaluation; null where there is no such weight.</param>
public sealed record Manifest(
    int FormatVersion,
    JsonObject Model,
    JsonObject Training,
    ProgramSpec Step,
    ProgramSpec Evaluate,
    IReadOnlyList<StateSpec> States,
    IReadOnlyDictionary<string, string> Deployables,
    ProgramSpec? Weigh = null)
{
    /// <summary>All programs.</summary>
    [JsonIgnore]
    public IReadOnlyList<ProgramSpec> Programs => Weigh is null ? [Step, Evaluate] : [Step, Evaluate, Weigh];

    private const long LargestMetric = 1L << 30; // numbers per batch

    /// <summary>The version that this code reads and writes.</summary>
    public const int CurrentFormatVersion = 3;

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

    /// <summary>What is wrong with a manifest that is valid JSON; null for one that a package can have.</summary>
    internal string? FindFault()
    {
        if (HasNull(States) || HasNull(Deployables.Values) || Programs.Any(program => HasNull(program.Inputs) || HasNull(program.States) || HasNull(program.Updates) || HasNull(program.Metrics)))
        {
            return "an entry of a list is null";
        }

        var states = States.Select(state => state.Name).ToHashSet();
        string? file = Programs.SelectMany(program => program.Files).Concat(Deployables.Values).FirstOrDefault(name => !IsPlain(name));
        string? state = Programs.SelectMany(program => program.States.Concat(program.Updates)).FirstOrDefault(name => !states.Contains(name));
        return file is not null ? $"'{file}' is not the plain name of a file"
            : states.Count != States.Count ? "two states have the same name"
            : state is not null ? $"there is no state '{state}', which a program reads or changes"
            : States.Any(spec => spec.Shape.Any(size => size < 0)) ? "a state has no fixed shape"
            : Programs.SelectMany(program => program.Metrics).Any(metric => !IsFixed(metric.Shape)) ? "a metric has no fixed shape, or a huge one"
            : Programs.Any(program => !program.HasImages) ? "a program has no input for images"
            : Programs.Any(program => program.Inputs.Any(input => input.Role == InputRole.Schedule && input.Schedule is null)) ? "a scheduled input has no schedule"
            : Step.Metrics.Count(metric => metric.Role == MetricRole.Loss) != 1 ? "the training step does not have one loss"
            : null;
    }

    private static bool HasNull<T>(IEnumerable<T> entries) where T : class => entries.Any(entry => entry is null);

    private static bool IsFixed(Shape shape) => shape.Aggregate((Int128)1, (count, size) => size < 0 ? LargestMetric + 1 : Int128.Min(count * size, LargestMetric + 1)) <= LargestMetric;

    // Packages come from others: what they name is written to and read from their own folder only.
    private static bool IsPlain(string name) => name.Length > 0 && name is not ("." or "..") && name.IndexOfAny(['/', '\\', ':', '\0']) < 0;

    private sealed class ShapeConverter : JsonConverter<Shape>
    {
        public override Shape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            [.. JsonSerializer.Deserialize<long[]>(ref reader, options)!];

        public override void Write(Utf8JsonWriter writer, Shape value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.ToArray(), options);
    }
}
