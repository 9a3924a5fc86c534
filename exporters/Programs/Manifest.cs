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
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Role">What it means.</param>
public sealed record MetricSpec(string Name, ElementType Type, Shape Shape, MetricRole Role);

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
    public InputSpec Images
    {
        get
        {
            for (int i = 0; i < Inputs.Count; i++)
            {
                if (Inputs[i] is { Role: InputRole.Data, Type: ElementType.UInt8, Shape.Rank: 4 })
                {
                    return Inputs[i];
                }
            }

            throw new InvalidOperationException($"Program '{File}' has no input for images.");
        }
    }

    /// <summary>The input that takes the images' classes, Int64 [N]; null if there is none.</summary>
    [JsonIgnore]
    public InputSpec? Labels => Inputs.FirstOrDefault(input => input is { Role: InputRole.Data, Type: ElementType.Int64, Shape.Rank: 1 });
}

/// <summary>The table of contents of a training package, stored as <c>manifest.json</c>.</summary>
/// <param name="FormatVersion">Version of the package format.</param>
/// <param name="Model">What was compiled: objective and hyper-parameters, for people and for the exported files' metadata.</param>
/// <param name="Step">The training step.</param>
/// <param name="Evaluate">The evaluation of one batch.</param>
/// <param name="States">Every state, in the order of the initial file.</param>
/// <param name="Deployables">Files of the graphs that are exported after training, by role (<c>encoder</c>, <c>decoder</c>).</param>
public sealed record Manifest(
    int FormatVersion,
    JsonObject Model,
    ProgramSpec Step,
    ProgramSpec Evaluate,
    IReadOnlyList<StateSpec> States,
    IReadOnlyDictionary<string, string> Deployables)
{
    /// <summary>The version that this code reads and writes.</summary>
    public const int CurrentFormatVersion = 2;

    /// <summary>How manifests and their kin are written as JSON.</summary>
    public static JsonSerializerOptions JsonOptions { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase), new ShapeConverter() },
    };

    private sealed class ShapeConverter : JsonConverter<Shape>
    {
        public override Shape Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            [.. JsonSerializer.Deserialize<long[]>(ref reader, options)!];

        public override void Write(Utf8JsonWriter writer, Shape value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.ToArray(), options);
    }
}
