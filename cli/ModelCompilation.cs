using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using OnnxVae.Models.Vae;
using OnnxVae.Models.VqVae;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli;

/// <summary>Builds a model from options and compiles it.</summary>
internal static class ModelCompilation
{
    private const double DefaultRisingShare = 0.3;
    private const int StepFalls = 2; // a tenth after a third of the training, a hundredth after two thirds

    /// <summary>The known learning-rate schedules.</summary>
    public static IReadOnlyCollection<string> ScheduleNames { get; } = ["constant", "cosine", "one-cycle", "step"];

    public static TrainingPackage Write(string folder, ModelOptions options, ImageSource images, ulong seed, long steps, string provider)
    {
        var image = new ImageShape(images.Channels, images.Height, images.Width);
        var optimizer = VaeCatalog.Optimizer(options.Optimizer, LearningRate(options, steps));
        IModel model = VaeCatalog.HasCodes(options.Model) ? WithCodes(options, image, seed) : WithVectors(options, image, seed, steps);
        using (model.Network)
        {
            var training = new TrainingOptions(options.Batch, optimizer)
            {
                Steps = DependsOnSteps(options) ? steps : null,
                MaxGradientNorm = options.ClipGradient,
                WeightAveraging = options.WeightAveraging,
            };
            return new PackageCompiler(model, training).Write(
                folder, new JsonObject { ["network"] = options.Model, ["seed"] = seed }, ExpansionTarget.Training with { Provider = provider, IsPrecise = options.Precise });
        }
    }

    private static VaeModel WithVectors(ModelOptions options, ImageShape image, ulong seed, long steps)
    {
        var network = VaeCatalog.Network(options.Model, ParseNumbers("--hidden", options.Hidden));
        var vae = new VaeNetworks(network, image, options.Latent, options.Rounded ? PosteriorKind.Rounded : PosteriorKind.Gaussian, seed);
        var prior = options.Rounded
            ? new CodeDensity(options.Latent)
            : VaeCatalog.Prior(options.Prior, new PriorSettings(options.Latent, image, options.PseudoImages, seed));
        return new VaeModel(vae, Likelihood(options, network.PixelMean), ObjectiveCompilation.Create(options, steps), prior, VaeCatalog.Pixels(options.Pixels));
    }

    private static VqVaeModel WithCodes(ModelOptions options, ImageShape image, ulong seed)
    {
        bool hasTop = options.Model == VaeCatalog.TwoLevels;
        Quantizer Quantizer(string level) => VaeCatalog.Quantizer(options.Quantizer!, new QuantizerSettings(
            level, options.Codes, options.CodeLength, options.Commitment, options.CodebookDecay, ParseNumbers("--scalar-levels", options.ScalarLevels)));
        var bottom = Quantizer("bottom");
        var vae = new VqVaeNetworks(
            new QuantizedNetwork { Channels = options.Width, ResidualChannels = options.ResidualWidth, ResidualBlocks = options.ResidualBlocks }, image, bottom.Dimension, hasTop, seed);
        return new VqVaeModel(vae, Likelihood(options, PixelMean.Identity), bottom, hasTop ? Quantizer("top") : null, VaeCatalog.Pixels(options.Pixels));
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
