using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli.Models;

/// <summary>Likelihoods by name.</summary>
internal sealed class Likelihoods : INamed
{
    private const string OfUnitRange = "bernoulli", OfNumbers = "gaussian-learned";

    private static readonly Dictionary<string, Func<ModelOptions, PixelMean, Likelihood>> Table = new()
    {
        [OfUnitRange] = (_, _) => new BernoulliLikelihood(),
        ["continuous-bernoulli"] = (_, _) => new ContinuousBernoulliLikelihood(),
        ["gaussian"] = (options, mean) => new GaussianLikelihood(options.Sigma, mean),
        [OfNumbers] = (_, mean) => new LearnedGaussianLikelihood(mean),
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
    /// <param name="mean">How the network's output determines the mean of Gaussian values.</param>
    /// <param name="scaling">The scaling of real numbers; null for pixels.</param>
    /// <param name="table">The columns of the table whose rows the model takes, which have likelihoods of their own; null for other examples.</param>
    /// <exception cref="UsageException">One is named for a table.</exception>
    public static Likelihood Create(ModelOptions options, PixelMean mean, Scaling? scaling, TableSpec? table = null) =>
        table is not null && options.Likelihood is not null ? throw new UsageException("--likelihood cannot be given for a table: each column has the likelihood of what it holds. State that with --column-types.")
        : table is not null ? new TableLikelihood(table)
        : Table[options.Likelihood ?? Usual(scaling is null or { IsUnitRange: true })](options, mean);

    /// <summary>Whether the likelihood that options name is for values from 0 to 1; null if they name none.</summary>
    public static bool? IsForUnitRange(ModelOptions options) => options.Likelihood is { } name ? Table[name](options, PixelMean.Sigmoid).Domain != ValueDomain.RealNumbers : null;

    /// <summary>The likelihood that is taken unless another one is given.</summary>
    /// <param name="isUnitRange">Whether values are from 0 to 1.</param>
    public static string Usual(bool isUnitRange) => isUnitRange ? OfUnitRange : OfNumbers;
}

/// <content>Likelihoods.</content>
internal sealed partial record ModelOptions
{
    [Option(Topic.Likelihood, "P(y|z). If left out, bernoulli for pixels and numbers from 0 to 1, gaussian-learned for others."), Among<Likelihoods>]
    public string? Likelihood { get; init; }

    [Option(Topic.Likelihood, "Standard deviation of a value for --likelihood gaussian, of pixels in [0, 1] or of numbers after --scale."), Positive]
    public double Sigma { get; init; } = 1;

    [Option(Topic.Likelihood, "Nats per unit of distortion, for --likelihood squared-error, absolute-error and dissimilarity."), Positive]
    public double Lambda { get; init; } = 1;
}
