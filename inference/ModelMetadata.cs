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
            entries.TryGetValue("onnxvae.imagesAtATime", out string? images) ? Number(images) : null);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
