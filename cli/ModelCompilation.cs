using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models;
using OnnxVae.Models.Objectives;
using OnnxVae.Training.Data;
using TorchSharp;

namespace OnnxVae.Cli;

/// <summary>Builds a VAE from options and compiles it. The only place of the command line that needs TorchSharp.</summary>
internal static class ModelCompilation
{
    private const double DefaultRisingShare = 0.3;
    private const int StepFalls = 2; // a tenth after a third of the training, a hundredth after two thirds

    /// <summary>The manifest's entry for the steps that schedules were compiled for; absent where none depends on them.</summary>
    public const string StepsEntry = "steps";

    /// <summary>The known learning-rate schedules.</summary>
    public static IReadOnlyCollection<string> ScheduleNames { get; } = ["constant", "cosine", "one-cycle", "step"];

    public static TrainingPackage Write(string folder, ModelOptions options, ImageSource images, ulong seed, long steps, string provider)
    {
        var network = VaeCatalog.Network(options.Model, ParseWidths(options.Hidden));
        var image = new ImageShape(images.Channels, images.Height, images.Width);
        var likelihood = VaeCatalog.Likelihood(options.Likelihood, new LikelihoodSettings(options.Sigma, options.Lambda, network.PixelMean));
        torch.random.manual_seed((long)seed);
        using var vae = new Vae(network, image, options.Latent, options.Rounded ? PosteriorKind.Rounded : PosteriorKind.Gaussian);
        var training = new VaeTrainingOptions(
            options.Batch, likelihood, ObjectiveCompilation.Create(options, steps), VaeCatalog.Optimizer(options.Optimizer, LearningRate(options, steps)))
        {
            Prior = options.Rounded
                ? new CodeDensity(options.Latent)
                : VaeCatalog.Prior(options.Prior, new PriorSettings(options.Latent, image, options.PseudoImages, seed)),
            Pixels = VaeCatalog.Pixels(options.Pixels),
            MaxGradientNorm = options.ClipGradient,
            WeightAveraging = options.WeightAveraging,
        };
        var description = new JsonObject { ["network"] = network.Name, ["seed"] = seed, ["provider"] = provider, ["precise"] = options.Precise };
        if (DependsOnSteps(options))
        {
            description[StepsEntry] = steps;
        }

        return new VaeCompiler(vae, training).Write(
            folder, description,
            ExpansionTarget.Training with { Provider = provider, IsPrecise = options.Precise });
    }

    // Schedules that know the last step.
    private static bool DependsOnSteps(ModelOptions options) =>
        options.LearningRateSchedule != "constant" || options.BetaCycles > 0 || options.Capacity is not null;

    private static int[] ParseWidths(string? text) => text is null ? [] : [.. text.Split(',').Select(width =>
        int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number : throw new UsageException(
            $"--hidden is '{text}'; expected positive widths with commas between them, as in 512,256."))];

    private static Schedule LearningRate(ModelOptions options, long steps) => options.LearningRateSchedule switch
    {
        "constant" => new WarmUpSchedule(options.LearningRate, options.WarmUp),
        "cosine" => new CosineSchedule(options.LearningRate, options.WarmUp, steps),
        "one-cycle" => new OneCycleSchedule(options.LearningRate, steps, options.WarmUp > 0 ? (double)options.WarmUp / steps : DefaultRisingShare),
        "step" when options.WarmUp == 0 => new StepSchedule(options.LearningRate, Math.Max(1, (steps + StepFalls) / (StepFalls + 1))),
        "step" => throw new UsageException("--warm-up cannot be given with --learning-rate-schedule step: its first value is its largest."),
        var name => throw new ArgumentException($"There is no learning-rate schedule '{name}'; known are {string.Join(", ", ScheduleNames)}."),
    };
}
