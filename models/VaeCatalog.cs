using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;

namespace OnnxVae.Models;

/// <summary>Networks, likelihoods, priors and optimizers by the names the command line uses.</summary>
public static class VaeCatalog
{
    private static readonly Dictionary<string, Func<IReadOnlyList<int>, VaeNetwork>> Networks = new()
    {
        ["mlp"] = hidden => new MlpNetwork(hidden is [] ? [400] : hidden),
        ["conv"] = hidden => hidden switch
        {
            [] => new ConvNetwork(),
            [var dense] => new ConvNetwork { Dense = dense },
            _ => throw new ArgumentException($"The model 'conv' has one hidden dense layer, but {hidden.Count} widths are given: give one, or --model mlp."),
        },
        ["linear"] = hidden => hidden is [] ? new LinearNetwork() : throw new ArgumentException(
            $"The model 'linear' has no hidden layer, but {hidden.Count} widths are given: leave them out, or --model mlp."),
        ["residual"] = hidden => hidden is [] ? new ResidualNetwork() : throw new ArgumentException(
            $"The model 'residual' has no hidden dense layer, but {hidden.Count} widths are given: leave them out, or --model mlp."),
    };

    private static readonly Dictionary<string, Func<LikelihoodSettings, Likelihood>> Likelihoods = new()
    {
        ["bernoulli"] = _ => new BernoulliLikelihood(),
        ["continuous-bernoulli"] = _ => new ContinuousBernoulliLikelihood(),
        ["gaussian"] = settings => new GaussianLikelihood(settings.Sigma, settings.PixelMean),
        ["gaussian-learned"] = settings => new LearnedGaussianLikelihood(settings.PixelMean),
        ["gaussian-optimal"] = settings => new OptimalGaussianLikelihood(settings.PixelMean),
        ["discretized-logistic"] = _ => new DiscretizedLogisticLikelihood(),
        ["squared-error"] = settings => new SquaredError(settings.Lambda, settings.PixelMean),
        ["absolute-error"] = settings => new AbsoluteError(settings.Lambda, settings.PixelMean),
        ["dissimilarity"] = settings => new StructuralDissimilarity(settings.Lambda, settings.PixelMean),
    };

    private static readonly Dictionary<string, Func<PriorSettings, Prior>> Priors = new()
    {
        ["standard-normal"] = _ => new StandardNormalPrior(),
        ["gaussian"] = settings => new LearnedGaussianPrior(settings.Latents),
        ["vamp"] = settings => new VampPrior(settings.PseudoImages, settings.Image, settings.Seed),
    };

    private static readonly Dictionary<string, PixelPreparation> Preparations = new()
    {
        ["grey"] = PixelPreparation.Grey,
        ["threshold"] = PixelPreparation.Threshold,
        ["sampled"] = PixelPreparation.Sampled,
    };

    private static readonly Dictionary<string, Func<Schedule, Optimizer>> Optimizers = new()
    {
        ["adam"] = learningRate => new Adam(learningRate),
        ["adamw"] = learningRate => new AdamW(learningRate),
        ["adamax"] = learningRate => new Adamax(learningRate),
        ["rmsprop"] = learningRate => new RmsProp(learningRate),
        ["sgd"] = learningRate => new Sgd(learningRate, momentum: 0.9, nesterov: true),
    };

    private static readonly Dictionary<string, Func<QuantizerSettings, Quantizer>> Quantizers = new()
    {
        ["moving-average"] = settings => new MovingAverageCodebook(settings.Level, settings.Codes, settings.Dimension, settings.Commitment, settings.Decay),
        ["gradient"] = settings => new TrainedCodebook(settings.Level, settings.Codes, settings.Dimension, settings.Commitment, settings.Decay),
        [FiniteScalar] = settings => new FiniteScalarQuantizer(settings.ScalarLevels),
    };

    /// <summary>The quantizer without a codebook.</summary>
    public const string FiniteScalar = "finite-scalar";

    /// <summary>The model with one level of codes.</summary>
    public const string OneLevel = "vqvae";

    /// <summary>The model with two levels of codes.</summary>
    public const string TwoLevels = "vqvae2";

    /// <summary>The known networks.</summary>
    public static IReadOnlyCollection<string> NetworkNames => Networks.Keys;

    /// <summary>The known models: the networks of VAEs, and the models whose latents are codes.</summary>
    public static IReadOnlyCollection<string> ModelNames => [.. NetworkNames, OneLevel, TwoLevels];

    /// <summary>Whether a model's latents are codes.</summary>
    public static bool HasCodes(string model) => model is OneLevel or TwoLevels;

    /// <summary>The known quantizers.</summary>
    public static IReadOnlyCollection<string> QuantizerNames => Quantizers.Keys;

    /// <summary>A quantizer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="settings">What the quantizers are made with.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static Quantizer Quantizer(string name, QuantizerSettings settings) => Find(Quantizers, "quantizer", name)(settings);

    /// <summary>The known likelihoods.</summary>
    public static IReadOnlyCollection<string> LikelihoodNames => Likelihoods.Keys;

    /// <summary>A network.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="hidden">Widths of the encoder's hidden dense layers; empty for the network's own.</param>
    /// <exception cref="ArgumentException">The name is unknown, or the network has another number of hidden dense layers.</exception>
    public static VaeNetwork Network(string name, params IReadOnlyList<int> hidden) => Find(Networks, "model", name)(hidden);

    /// <summary>A likelihood.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="settings">What the likelihoods are made with.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static Likelihood Likelihood(string name, LikelihoodSettings settings) => Find(Likelihoods, "likelihood", name)(settings);

    /// <summary>Whether a likelihood is the distortion of a rate-distortion autoencoder, with a weight of its own.</summary>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static bool HasLambda(string likelihood) => Likelihood(likelihood, new LikelihoodSettings()) is RateDistortion;

    /// <summary>The known priors of latents that are not rounded.</summary>
    public static IReadOnlyCollection<string> PriorNames => Priors.Keys;

    /// <summary>A prior.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="settings">What the priors are made with.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static Prior Prior(string name, PriorSettings settings) => Find(Priors, "prior", name)(settings);

    /// <summary>The known preparations of pixels.</summary>
    public static IReadOnlyCollection<string> PixelNames => Preparations.Keys;

    /// <summary>A preparation of pixels.</summary>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static PixelPreparation Pixels(string name) => Find(Preparations, "preparation of pixels", name);

    /// <summary>The known optimizers; <c>sgd</c> has Nesterov's momentum of 0.9, the others libtorch's defaults.</summary>
    public static IReadOnlyCollection<string> OptimizerNames => Optimizers.Keys;

    /// <summary>An optimizer.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="learningRate">Its step size.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static Optimizer Optimizer(string name, Schedule learningRate) => Find(Optimizers, "optimizer", name)(learningRate);

    private static T Find<T>(Dictionary<string, T> table, string kind, string name) => table.TryGetValue(name, out var entry)
        ? entry
        : throw new ArgumentException($"There is no {kind} '{name}'; known are {string.Join(", ", table.Keys)}.");
}

/// <summary>What likelihoods are made with; each takes what it needs.</summary>
/// <param name="Sigma">The standard deviation of a pixel, in units of the pixel range.</param>
/// <param name="Lambda">Nats per unit of distortion, for rate-distortion autoencoders.</param>
/// <param name="PixelMean">What the network's output is to Gaussian pixels.</param>
public sealed record LikelihoodSettings(double Sigma = 1, double Lambda = 1, PixelMean PixelMean = PixelMean.Sigmoid);

/// <summary>What quantizers are made with; each takes what it needs.</summary>
/// <param name="Level">What the level is called among the states.</param>
/// <param name="Codes">K.</param>
/// <param name="Dimension">D, the length of a vector.</param>
/// <param name="Commitment">Weight of what keeps vectors near their codes.</param>
/// <param name="Decay">How much of a moving average stays at a step.</param>
/// <param name="ScalarLevels">Levels of each number of a vector, for finite scalars.</param>
public sealed record QuantizerSettings(string Level, int Codes, int Dimension, double Commitment, double Decay, IReadOnlyList<int> ScalarLevels);

/// <summary>What priors are made with; each takes what it needs.</summary>
/// <param name="Latents">L.</param>
/// <param name="Image">The images' shape.</param>
/// <param name="PseudoImages">Pseudo-images of the VampPrior.</param>
/// <param name="Seed">Chooses their first pixels.</param>
public sealed record PriorSettings(int Latents, ImageShape Image, int PseudoImages, ulong Seed);
