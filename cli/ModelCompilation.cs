using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Training.Data;
using TorchSharp;

namespace OnnxVae.Cli;

/// <summary>Builds a model from options and compiles it.</summary>
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
        var description = new JsonObject { ["network"] = options.Model, ["seed"] = seed, ["provider"] = provider, ["precise"] = options.Precise };
        if (DependsOnSteps(options))
        {
            description[StepsEntry] = steps;
        }

        var image = new ImageShape(images.Channels, images.Height, images.Width);
        var optimizer = VaeCatalog.Optimizer(options.Optimizer, LearningRate(options, steps));
        var (network, compiler) = VaeCatalog.HasCodes(options.Model) ? WithCodes(options, image, optimizer, seed) : WithVectors(options, image, optimizer, seed, steps);
        using (network)
        {
            return compiler.Write(folder, description, ExpansionTarget.Training with { Provider = provider, IsPrecise = options.Precise });
        }
    }

    private static (torch.nn.Module Network, ModelCompiler Compiler) WithVectors(ModelOptions options, ImageShape image, Optimizer optimizer, ulong seed, long steps)
    {
        var network = VaeCatalog.Network(options.Model, ParseNumbers("--hidden", options.Hidden));
        var vae = new Vae(network, image, options.Latent, options.Rounded ? PosteriorKind.Rounded : PosteriorKind.Gaussian, seed);
        return (vae, new VaeCompiler(vae, new VaeTrainingOptions(
            options.Batch, Likelihood(options, network.PixelMean), ObjectiveCompilation.Create(options, steps), optimizer)
        {
            Prior = options.Rounded
                ? new CodeDensity(options.Latent)
                : VaeCatalog.Prior(options.Prior, new PriorSettings(options.Latent, image, options.PseudoImages, seed)),
            Pixels = VaeCatalog.Pixels(options.Pixels),
            MaxGradientNorm = options.ClipGradient,
            WeightAveraging = options.WeightAveraging,
        }));
    }

    private static (torch.nn.Module Network, ModelCompiler Compiler) WithCodes(ModelOptions options, ImageShape image, Optimizer optimizer, ulong seed)
    {
        bool hasTop = options.Model == VaeCatalog.TwoLevels;
        Quantizer Quantizer(string level) => VaeCatalog.Quantizer(options.Quantizer!, new QuantizerSettings(
            level, options.Codes, options.CodeLength, options.Commitment, options.CodebookDecay, ParseNumbers("--scalar-levels", options.ScalarLevels)));
        var bottom = Quantizer("bottom");
        var vae = new VqVae(
            new QuantizedNetwork { Channels = options.Width, ResidualChannels = options.ResidualWidth, ResidualBlocks = options.ResidualBlocks }, image, bottom.Dimension, hasTop, seed);
        return (vae, new VqVaeCompiler(vae, new VqVaeTrainingOptions(options.Batch, Likelihood(options, PixelMean.Identity), bottom, optimizer)
        {
            Top = hasTop ? Quantizer("top") : null,
            Pixels = VaeCatalog.Pixels(options.Pixels),
            MaxGradientNorm = options.ClipGradient,
            WeightAveraging = options.WeightAveraging,
        }));
    }

    private static Likelihood Likelihood(ModelOptions options, PixelMean pixelMean) =>
        VaeCatalog.Likelihood(options.Likelihood, new LikelihoodSettings(options.Sigma, options.Lambda, pixelMean));

    // Schedules that know the last step.
    private static bool DependsOnSteps(ModelOptions options) =>
        options.LearningRateSchedule != "constant" || options.BetaCycles > 0 || options.Capacity is not null;

    /// <summary>Numbers with commas between them; none where nothing was given.</summary>
    public static int[] ParseNumbers(string option, string? text) => text is null ? [] : [.. text.Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= VerbOptions.LargestWidth ? number : throw new UsageException(
            $"{option} is '{text}'; expected numbers from 1 to {VerbOptions.LargestWidth} with commas between them, as in 512,256."))];

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
