using System.CommandLine;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Format;
using OnnxVae.Models.Classifier;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Classifier;

/// <summary>All options of a classifier.</summary>
internal sealed record ClassifierOptions : AuxiliaryOptions, IRunOptions
{
    /// <summary>The name of a classifier's folder inside the run's.</summary>
    public const string Folder = "classifier";

    /// <inheritdoc/>
    public static string Kind => "classifier";

    public ClassifierOptions() => Training = new() { Steps = 2000 };

    [Option(Topic.Model, "The network, the encoder of a VAE."), Among<Networks>, JsonRequired]
    public string Model { get; init; } = "conv";

    [Option(Topic.Model, "Widths of its hidden dense layers, as in 512,256."), Numbers]
    public string? Hidden { get; init; }

    /// <summary>Writes the package of a classifier: the encoder of a VAE's network, which outputs class logits instead of latents.</summary>
    /// <param name="folder">The target folder.</param>
    /// <param name="images">The images that it will be trained on.</param>
    /// <param name="scale">How real numbers are scaled, the value of <c>--scale</c>; null to choose.</param>
    /// <param name="processes">Processes that train it together.</param>
    /// <exception cref="InvalidDataException">There is only one class.</exception>
    public TrainingPackage Compile(string folder, ImageSource images, string? scale, int processes)
    {
        if (images.Classes.Count < 2)
        {
            throw new InvalidDataException($"The images have one class, '{images.Classes[0]}': a classifier takes at least two.");
        }

        using var network = Networks.Create(Model, Hidden).Encoder(images.Shape, images.Classes.Count, parameters: 1);
        return Training.Write(folder, new ClassifierModel(network, images.Shape, images.Classes, Scalings.Create(scale, images)), new JsonObject { ["network"] = Model }, processes);
    }
}
