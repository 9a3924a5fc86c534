using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models;
using OnnxVae.Training.Data;
using TorchSharp;

namespace OnnxVae.Cli;

/// <summary>Builds a VAE from options and compiles it. The only place of the command line that needs TorchSharp.</summary>
internal static class ModelCompilation
{
    public static TrainingPackage Write(string folder, ModelOptions options, ImageSource images, ulong seed, long steps)
    {
        var network = VaeCatalog.Network(options.Model, ParseWidths(options.Hidden));
        var likelihood = VaeCatalog.Likelihood(options.Likelihood, options.Sigma);
        torch.random.manual_seed((long)seed);
        using var vae = new GaussianVae(network, new ImageShape(images.Channels, images.Height, images.Width), options.Latent);
        var training = new VaeTrainingOptions(
            options.Batch, likelihood, new WarmUpSchedule(options.Beta, options.BetaWarmUp), LearningRate(options, steps));
        return new VaeCompiler(vae, training).Write(folder, new JsonObject { ["network"] = network.Name, ["seed"] = seed });
    }

    private static int[] ParseWidths(string? text) => text is null ? [] : [.. text.Split(',').Select(width =>
        int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw new UsageException(
            $"--hidden is '{text}'; expected positive widths with commas between them, as in 512,256."))];

    private static Schedule LearningRate(ModelOptions options, long steps) => options.LearningRateSchedule switch
    {
        "constant" => new WarmUpSchedule(options.LearningRate, options.WarmUp),
        "cosine" => new CosineSchedule(options.LearningRate, options.WarmUp, steps),
        var name => throw new ArgumentException($"There is no learning-rate schedule '{name}'; known are constant, cosine."),
    };
}
