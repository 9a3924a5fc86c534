using System.Text.Json.Serialization;
using OnnxVae.Cli.Options;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;

namespace OnnxVae.Cli.Models;

/// <summary>Priors of latents that are not rounded, by name.</summary>
internal sealed class Priors : INamed
{
    /// <summary>The prior that depends on the condition.</summary>
    public const string Conditional = "conditional";

    /// <summary>The prior made of encoded images.</summary>
    public const string Vamp = "vamp";

    private static readonly Dictionary<string, Func<ModelOptions, ExampleShape, ulong, bool, Prior>> Table = new()
    {
        [MetadataKeys.StandardNormal] = (_, _, _, _) => new StandardNormalPrior(),
        ["gaussian"] = (options, _, _, _) => new LearnedGaussianPrior(options.Latent),
        [Conditional] = (_, _, _, _) => new ConditionalGaussianPrior(),
        [Vamp] = (options, shape, seed, isUnitRange) => new VampPrior(options.PseudoImages, shape, seed, isUnitRange),
    };

    /// <inheritdoc/>
    public static IReadOnlyCollection<string> Names => Table.Keys;

    /// <summary>Creates the prior that options name.</summary>
    /// <param name="options">The options.</param>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="seed">Random seed of its initial values.</param>
    /// <param name="isUnitRange">Whether the model sees values from 0 to 1.</param>
    public static Prior Create(ModelOptions options, ExampleShape shape, ulong seed, bool isUnitRange) =>
        options.Rounded ? new FactorizedDensity(options.Latent) : Table[options.Prior](options, shape, seed, isUnitRange);
}

/// <content>Priors.</content>
internal sealed partial record ModelOptions
{
    [Option(Topic.Prior, "P(z); conditional is a P(z|x), for --condition."), Among<Priors>, JsonRequired]
    public string Prior { get; init; } = MetadataKeys.StandardNormal;

    [Option(Topic.Prior, "Components of --prior vamp."), Between(1, BetweenAttribute.LargestWidth)]
    public int PseudoImages { get; init; } = 500;

    [Option(Topic.Prior, "Round latents to integers for compression: additive noise in training, and a learned density instead of --prior.")]
    public bool Rounded { get; init; }
}
