using OnnxVae.Cli.Batch.Outputs;
using OnnxVae.Cli.Options;

namespace OnnxVae.Cli.Batch;

/// <summary>The formats of image files, by name.</summary>
internal sealed class ImageFormats : INamed
{
    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => ImageFormat.Names;
}
