using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli.Models;

/// <summary>Likelihoods by name.</summary>
internal sealed class Likelihoods : INamed
{
    private static readonly Dictionary<string, Func<ModelOptions, PixelMean, Likelihood>> Table = new()
    {
        ["bernoulli"] = (_, _) => new BernoulliLikelihood(),
        ["continuous-bernoulli"] = (_, _) => new ContinuousBernoulliLikelihood(),
        ["gaussian"] = (options, mean) => new GaussianLikelihood(options.Sigma, mean),
        ["gaussian-learned"] = (_, mean) => new LearnedGaussianLikelihood(mean),
        ["gaussian-optimal"] = (_, mean) => new OptimalGaussianLikelihood(mean),
        ["discretized-logistic"] = (_, _) => new DiscretizedLogisticLikelihood(),
        ["squared-error"] = (options, mean) => new SquaredError(options.Lambda, mean),
        ["absolute-error"] = (options, mean) => new AbsoluteError(options.Lambda, mean),
        ["dissimilarity"] = (options, mean) => new StructuralDissimilarity(options.Lambda, mean),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Creates the likelihood that options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="mean">How the network's output determines the mean of Gaussian pixels.</param>
    public static Likelihood Create(ModelOptions options, PixelMean mean) => Table[options.Likelihood](options, mean);
}

/// <content>Likelihoods.</content>
internal sealed partial record ModelOptions
{
    [Option(Topic.Likelihood, "P(y|z)."), Among<Likelihoods>, JsonRequired]
    public string Likelihood { get; init; } = "bernoulli";

    [Option(Topic.Likelihood, "Standard deviation of a pixel for --likelihood gaussian; pixels are in [0, 1]."), Positive]
    public double Sigma { get; init; } = 1;

    [Option(Topic.Likelihood, "Nats per unit of distortion, for --likelihood squared-error, absolute-error and dissimilarity."), Positive]
    public double Lambda { get; init; } = 1;
}
