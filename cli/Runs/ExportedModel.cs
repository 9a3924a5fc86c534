using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Runs;

/// <summary>Requirements of verbs on exported models.</summary>
internal static class ExportedModel
{
    /// <summary>The density of rounded latents next to an encoder or decoder.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string RequireDensity(string folder)
    {
        string file = Path.Combine(folder, ExportedFiles.Density);
        return File.Exists(file) ? file : throw new FileNotFoundException($"There is no '{file}': only runs with --rounded export one, and only their latents can be coded.");
    }

    /// <summary>Rejects models whose latents are codes, for verbs that need points between latents.</summary>
    /// <exception cref="InvalidDataException">They are codes.</exception>
    public static void RequireNumbers(ModelMetadata model)
    {
        if (model.HasCodes)
        {
            throw new InvalidDataException("The model's latents are discrete codes, which cannot be interpolated: use a model with continuous latents.");
        }
    }
}
