using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>The image file formats, by name.</summary>
internal sealed class ImageFormats : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => ImageFormat.Names;
}
