using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Generate;

/// <summary>Finds the prior that <c>generate</c> draws latents from.</summary>
internal static class PriorFile
{
    public const string OfModel = "model";
    public const string Mixture = "mixture";
    public const string StandardNormal = MetadataKeys.StandardNormal;

    private const string PriorName = ExportedFiles.Prior;

    /// <summary>Opens a prior: the one that the model was trained with, a fitted mixture, or N(0, I).</summary>
    /// <param name="name">One of the three.</param>
    /// <param name="decoderPath">The decoder's file.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="sampling">How codes are drawn; null if no such option was given.</param>
    /// <param name="options">How it runs.</param>
    /// <exception cref="FileNotFoundException">No mixture was fitted, or a prior of codes was not trained for all levels.</exception>
    /// <exception cref="UsageException">An option for codes was given for continuous latents, or the other way round.</exception>
    public static LatentPrior Open(string name, string decoderPath, VaeDecoder decoder, CodeSampling? sampling, VaeOptions options)
    {
        string folder = Folder(decoderPath);
        bool hasCodes = decoder.Metadata.HasCodes;
        if (sampling is not null && !hasCodes)
        {
            throw new UsageException("--class, --temperature and --top-p are for models whose latents are codes with a trained prior; this model's latents are continuous.");
        }

        if (name != OfModel && hasCodes)
        {
            throw new UsageException($"--prior is {name}, which draws numbers, but the latents of this model are codes: leave it out.");
        }

        if (sampling is not null || (hasCodes && TrainedCodePrior.FilesOf(decoder.Metadata.CodeGrids.Count).Any(file => File.Exists(Path.Combine(folder, file)))))
        {
            return TrainedCodePrior.Load(folder, sampling, options);
        }

        if (hasCodes)
        {
            Console.Error.WriteLine($"There is no prior of codes in '{folder}', so codes are drawn uniformly: train one with 'onnxvae prior RUN --level {CodeLevel.Bottom}'{(decoder.Metadata.CodeGrids.Count > 1 ? $" and '--level {CodeLevel.Top}'" : "")}.");
            return LatentPrior.Load(Path.Combine(folder, PriorName), options);
        }

        return name switch
        {
            OfModel => decoder.Prior,
            Mixture => LatentPrior.Load(MixtureIn(folder), options),
            _ => LatentPrior.StandardNormal(decoder.Metadata.LatentSize),
        };
    }

    /// <summary>The files of a prior; none for N(0, I).</summary>
    /// <exception cref="FileNotFoundException">No mixture was fitted.</exception>
    public static IReadOnlyList<string> Find(string name, string decoderPath, ModelMetadata decoder)
    {
        string folder = Folder(decoderPath), learned = Path.Combine(folder, PriorName);
        return name switch
        {
            OfModel when TrainedCodePrior.IsIn(folder, decoder) => [.. TrainedCodePrior.FilesOf(decoder.CodeGrids.Count).Select(file => Path.Combine(folder, file))],
            OfModel => File.Exists(learned) ? [learned] : [],
            Mixture => [MixtureIn(folder)],
            _ => [],
        };
    }

    private static string Folder(string decoderPath) => Path.GetDirectoryName(Path.GetFullPath(decoderPath))!;

    private static string MixtureIn(string folder)
    {
        string file = Path.Combine(folder, ExportedFiles.Mixture);
        return File.Exists(file) ? file : throw new FileNotFoundException($"There is no '{file}': fit one to the run's latents with 'onnxvae fit RUN'.");
    }
}
