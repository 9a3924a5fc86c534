using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.OnnxRuntime;

namespace OnnxVae.Inference;

/// <summary>What an exported file says about itself.</summary>
/// <param name="Kind"><c>encoder</c>, <c>decoder</c>, <c>prior</c> or <c>density</c>.</param>
/// <param name="LatentSize">L, the number of latents.</param>
/// <param name="Channels">1 for grey, 3 for colour.</param>
/// <param name="Height">Rows of pixels.</param>
/// <param name="Width">Columns of pixels.</param>
/// <param name="Objective">What the model was trained for.</param>
/// <param name="ImagesAtATime">So many images at a time it is fastest with; more are worked through in turn. Null for any number.</param>
public sealed partial record ModelMetadata(string Kind, int LatentSize, int Channels, int Height, int Width, string Objective, int? ImagesAtATime)
{
    /// <summary>The entry of a file's metadata that holds <see cref="Weights"/>.</summary>
    public const string WeightsEntry = "onnxvae.weights";

    internal const string Encoder = "encoder", Decoder = "decoder", Prior = "prior", Density = "density";

    /// <summary>Whether the latents are codes: whole numbers that stand for vectors, which nothing lies between.</summary>
    public bool HasCodes => CodeText is not null;

    /// <summary>The grids of codes, the top level's first, in the order in which the latents hold them; empty for latents that are numbers.</summary>
    public IReadOnlyList<CodeGrid> CodeGrids => CodeText is null ? [] : ParseCodeGrids(CodeText);

    /// <summary>The grids as the file holds them, <c>512:4x4,512:8x8</c>; null for latents that are numbers.</summary>
    internal string? CodeText { get; init; }

    /// <summary>
    /// Identifies the trained weights: files that were exported from one run have the same, and so have priors that were fitted to its latents.
    /// Null in files of other origin.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>Number of values in an image.</summary>
    public int ImageSize => Channels * Height * Width;

    /// <summary>The images' shape in words.</summary>
    internal string Shape => $"{Channels} x {Height} x {Width}";

    /// <summary>Whether two files can be of the same weights: where one says nothing about its own, they can.</summary>
    internal static bool AreAlike(string? weights, string? others) => weights is null || others is null || weights == others;

    internal static ModelMetadata Read(InferenceSession session, string kind, string source)
    {
        var entries = session.ModelMetadata.CustomMetadataMap;
        string? actual = entries.GetValueOrDefault("onnxvae.kind");
        if (actual != kind)
        {
            throw new InvalidDataException(actual is null
                ? $"{source} is no {kind}: it has no OnnxVae metadata. Export one with 'onnxvae export RUN --out DIR'."
                : $"{source} is no {kind} but {(actual == Encoder ? "an" : "a")} {actual}. Give the {kind}.onnx that was exported beside it.");
        }

        int[] image = [.. entries["onnxvae.imageShape"].Split(',').Select(Number)];
        return new ModelMetadata(
            kind, Number(entries["onnxvae.latentSize"]), image[0], image[1], image[2], entries.GetValueOrDefault("onnxvae.objective", ""),
            entries.TryGetValue("onnxvae.imagesAtATime", out string? images) ? Number(images) : null)
        {
            CodeText = entries.GetValueOrDefault("onnxvae.codes"),
            Weights = entries.GetValueOrDefault(WeightsEntry),
        };
    }

    /// <summary>The names of the classes that a prior of codes or a classifier knows; null in files that have none.</summary>
    internal static string[]? ReadClasses(InferenceSession session)
    {
        if (session.ModelMetadata.CustomMetadataMap.GetValueOrDefault("onnxvae.classes") is not { } text)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(text, Names.Default.StringArray);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The names of the model's classes are '{text}'; expected a JSON array. Export it again.", e);
        }
    }

    internal static IReadOnlyList<CodeGrid> ParseCodeGrids(string text) => [.. text.Split(',').Select(level => level.Split(':', 'x') switch
    {
        [var codes, var rows, var columns] => new CodeGrid(Number(codes), Number(rows), Number(columns)),
        _ => throw new InvalidDataException($"The model's grids of codes are '{text}'; expected codes:rowsxcolumns, with commas between levels. Export it again."),
    })];

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [JsonSerializable(typeof(string[]))]
    private sealed partial class Names : JsonSerializerContext;
}

/// <summary>A level's grid of codes.</summary>
/// <param name="Codes">K: codes go from 0 to K - 1.</param>
/// <param name="Rows">Rows of the grid.</param>
/// <param name="Columns">Columns of the grid.</param>
public sealed record CodeGrid(int Codes, int Rows, int Columns)
{
    /// <summary>Codes in the grid.</summary>
    public int Positions => Rows * Columns;
}
