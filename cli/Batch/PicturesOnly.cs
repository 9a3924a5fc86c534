using OnnxVae.Cli.Terminal;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Batch;

/// <summary>What is done with pictures alone, and not with other examples.</summary>
internal static class PicturesOnly
{
    /// <summary>Rejects a model whose examples are not pictures: not images, or images of other numbers than those of pixels.</summary>
    /// <param name="model">The model.</param>
    /// <param name="what">What needs pictures, at the beginning of a sentence.</param>
    /// <param name="instead">What to do, at its end.</param>
    /// <exception cref="UsageException">They are not pictures.</exception>
    public static void Require(ModelMetadata model, string what, string instead)
    {
        if (!model.HasPictures)
        {
            throw new UsageException($"{what}, but the model's examples, {string.Join(" x ", model.Axes)}, are {(model.IsImage ? "numbers in units of their own" : "not images")}: {instead}.");
        }
    }
}
