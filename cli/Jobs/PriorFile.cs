using OnnxVae.Inference;
using OnnxVae.Training;

namespace OnnxVae.Cli.Jobs;

/// <summary>What <c>generate</c> draws latents from.</summary>
internal static class PriorFile
{
    public const string OfModel = "model";
    public const string Mixture = "mixture";
    public const string StandardNormal = "standard-normal";

    private const string PriorName = "prior.onnx";

    /// <summary>Opens a prior: the model's own (prior.onnx beside the decoder, where it was learned), a fitted mixture, or N(0, I).</summary>
    /// <param name="name">One of the three.</param>
    /// <param name="decoderPath">The decoder's file.</param>
    /// <param name="latents">L.</param>
    /// <param name="options">How it runs.</param>
    public static LatentPrior Open(string name, string decoderPath, int latents, VaeOptions options) =>
        Find(name, decoderPath) is { } file ? LatentPrior.Load(file, options) : LatentPrior.StandardNormal(latents);

    /// <summary>The file of a prior; null for N(0, I).</summary>
    /// <exception cref="FileNotFoundException">No mixture was fitted.</exception>
    public static string? Find(string name, string decoderPath)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(decoderPath))!;
        string file = Path.Combine(folder, name == Mixture ? RunExport.MixtureFile : PriorName);
        if (name == Mixture && !File.Exists(file))
        {
            throw new FileNotFoundException($"There is no '{file}': fit one to the run's latents with 'onnxvae fit RUN'.");
        }

        return name != StandardNormal && File.Exists(file) ? file : null;
    }
}
