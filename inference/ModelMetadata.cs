using System.Globalization;
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
public sealed record ModelMetadata(string Kind, int LatentSize, int Channels, int Height, int Width, string Objective, int? ImagesAtATime)
{
    internal const string Encoder = "encoder", Decoder = "decoder", Prior = "prior", Density = "density";

    /// <summary>Whether the latents are codes: whole numbers that stand for vectors, which nothing lies between.</summary>
    public bool HasCodes => CodeText is not null;

    /// <summary>The grids of codes, the top level's first, in the order in which the latents hold them; empty for latents that are numbers.</summary>
    public IReadOnlyList<CodeGrid> CodeGrids => CodeText is null ? [] : ParseCodeGrids(CodeText);

    /// <summary>The grids as the file holds them, <c>512:4x4,512:8x8</c>; null for latents that are numbers.</summary>
    internal string? CodeText { get; init; }

    /// <summary>Number of values in an image.</summary>
    public int ImageSize => Channels * Height * Width;

    /// <summary>The images' shape in words.</summary>
    internal string Shape => $"{Channels} x {Height} x {Width}";

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
        };
    }

    internal static IReadOnlyList<CodeGrid> ParseCodeGrids(string text) => [.. text.Split(',').Select(level => level.Split(':', 'x') switch
    {
        [var codes, var rows, var columns] => new CodeGrid(Number(codes), Number(rows), Number(columns)),
        _ => throw new InvalidDataException($"The model's grids of codes are '{text}'; expected codes:rowsxcolumns, with commas between levels. Export it again."),
    })];

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
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
