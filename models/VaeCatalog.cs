using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Models;

/// <summary>Networks, likelihoods and optimizers by the names the command line uses.</summary>
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
        ["residual"] = hidden => hidden is [] ? new ResidualNetwork() : throw new ArgumentException(
            $"The model 'residual' has no hidden dense layer, but {hidden.Count} widths are given: leave them out, or --model mlp."),
    };

    private static readonly Dictionary<string, Func<double, Likelihood>> Likelihoods = new()
    {
        ["bernoulli"] = _ => new BernoulliLikelihood(),
        ["gaussian"] = sigma => new GaussianLikelihood(sigma),
        ["gaussian-optimal"] = _ => new OptimalGaussianLikelihood(),
    };

    private static readonly Dictionary<string, Func<Schedule, Optimizer>> Optimizers = new()
    {
        ["adam"] = learningRate => new Adam(learningRate),
        ["adamw"] = learningRate => new AdamW(learningRate),
        ["adamax"] = learningRate => new Adamax(learningRate),
        ["rmsprop"] = learningRate => new RmsProp(learningRate),
        ["sgd"] = learningRate => new Sgd(learningRate, momentum: 0.9, nesterov: true),
    };

    /// <summary>The known networks.</summary>
    public static IReadOnlyCollection<string> NetworkNames => Networks.Keys;

    /// <summary>The known likelihoods.</summary>
    public static IReadOnlyCollection<string> LikelihoodNames => Likelihoods.Keys;

    /// <summary>A network.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="hidden">Widths of the encoder's hidden dense layers; empty for the network's own.</param>
    /// <exception cref="ArgumentException">The name is unknown, or the network has another number of hidden dense layers.</exception>
    public static VaeNetwork Network(string name, params IReadOnlyList<int> hidden) => Find(Networks, "model", name)(hidden);

    /// <summary>A likelihood.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sigma">The standard deviation of a pixel, for the likelihood that has a fixed one.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static Likelihood Likelihood(string name, double sigma) => Find(Likelihoods, "likelihood", name)(sigma);

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
