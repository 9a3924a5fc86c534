using System.Text.Json.Nodes;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Classifier;

/// <summary>Builds a classifier from options.</summary>
internal static class ClassifierModel
{
    /// <summary>The name of a classifier's folder inside the run's.</summary>
    public const string Folder = "classifier";

    /// <summary>Writes the package of a classifier: the encoder of a VAE's network, which gives logits of classes instead of latents.</summary>
    /// <exception cref="InvalidDataException">There is one class only.</exception>
    public static TrainingPackage Write(string folder, ClassifierOptions options, ImageSource images)
    {
        if (images.Classes.Count < 2)
        {
            throw new InvalidDataException($"The images have one class, '{images.Classes[0]}': a classifier takes at least two.");
        }

        var image = new ImageShape(images.Channels, images.Height, images.Width);
        using var network = VaeCatalog.Network(options.Model, ModelCompilation.ParseNumbers("--hidden", options.Hidden)).Encoder(image, images.Classes.Count, parameters: 1);
        var training = new ClassifierTrainingOptions(options.Training.Batch, options.Training.CreateOptimizer()) { MaxGradientNorm = AuxiliaryTraining.MaxGradientNorm };
        return new ClassifierCompiler(network, image, images.Classes, training)
            .Write(folder, new JsonObject { ["network"] = options.Model, ["seed"] = options.Training.Seed }, options.Training.Target);
    }
}
