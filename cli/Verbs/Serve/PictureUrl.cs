using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Serve;

/// <summary>Pictures for the page.</summary>
internal static class PictureUrl
{
    /// <summary>A PNG file as a data URL.</summary>
    /// <param name="pixels">UInt8 [C, H, W].</param>
    /// <param name="shape">The image's shape.</param>
    public static string Of(byte[] pixels, ModelMetadata shape) =>
        $"data:image/png;base64,{Convert.ToBase64String(ImageFormat.Png.Encode(pixels, shape.Channels, shape.Height, shape.Width))}";
}
