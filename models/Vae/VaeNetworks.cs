using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Vae;

/// <summary>The networks of a VAE, as one TorchSharp module with children <c>encoder</c> and <c>decoder</c>.</summary>
/// <remarks>
/// In a conditional VAE, the encoder's examples have further channels: the condition itself if it is laid out like the example, as a vector is like a vector, else one
/// channel that is a linear function of it (<c>plane</c>). The decoder's latents are followed by the condition, or by <see cref="Features"/> numbers that a network of
/// the same architecture makes of one laid out like the image (<c>features</c>). P(z|x) is linear in these numbers (<c>prior</c>), and N(0, I) at first. What is missing from rows of a table is
/// told to the encoder as in Collier, Nazabal and Williams 2020, arXiv 2006.05301.
/// </remarks>
public sealed class VaeNetworks : ComposedModule
{
    /// <summary>The number of values in which a condition that is laid out like the image is summarized for the decoder.</summary>
    public const int Features = 128;

    private readonly nn.Module<Tensor, Tensor>? plane;
    private readonly nn.Module<Tensor, Tensor>? features;
    private readonly nn.Module<Tensor, Tensor>? prior;

    /// <summary>Builds both networks with TorchSharp's initialization.</summary>
    /// <param name="network">Their architecture.</param>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="latents">L, the number of latents.</param>
    /// <param name="posterior">What the encoder's output describes.</param>
    /// <param name="condition">What it is given besides the example; null for an unconditional VAE.</param>
    /// <param name="learnsPrior">Whether there is a network for P(z|x), for <see cref="ConditionalGaussianPrior"/>.</param>
    /// <param name="seed">Random seed of the initial weights: the same seed, the same weights. Null to draw them from torch's generator as it is.</param>
    /// <param name="indicators">
    /// Places in vectors with values that may be missing: the encoder gets a further value for each, 1 if it is, since a missing value itself looks like a mean. Pseudo-inputs of a VampPrior count as complete. Null for none.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one latent, or an indicator is of no value.</exception>
    /// <exception cref="ArgumentException">The latents are not Gaussian, but there is a condition; or there is a P(z|x) without one.</exception>
    public VaeNetworks(VaeNetwork network, ExampleShape shape, int latents, PosteriorKind posterior = PosteriorKind.Gaussian, Condition? condition = null, bool learnsPrior = false, ulong? seed = null, IReadOnlyList<int>? indicators = null)
        : base(nameof(VaeNetworks))
    {
        if (latents < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(latents), $"The number of latents is {latents}; a VAE needs at least 1.");
        }

        if (condition is not null && posterior != PosteriorKind.Gaussian)
        {
            throw new ArgumentException($"A conditional VAE has {PosteriorKind.Gaussian} latents, not {posterior} ones.", nameof(posterior));
        }

        if (condition is null && learnsPrior)
        {
            throw new ArgumentException("A prior P(z|x) needs a condition.", nameof(learnsPrior));
        }

        Indicators = [.. indicators ?? []];
        if (Indicators.Any(place => place < 0 || place >= shape.Channels || shape.Sides.Count > 0))
        {
            throw new ArgumentOutOfRangeException(nameof(indicators), $"The indicators are of places {string.Join(", ", Indicators)}; expected places in vectors, but the examples are {shape.Noun} of {shape.Description}.");
        }

        (Architecture, Shape, Latents, Posterior, Condition) = (network.Name, shape, latents, posterior, condition);
        using var seeded = Initialization.UseSeed(seed);
        int channels = condition is null ? 0 : condition.IsSpatial || shape.Sides.Count == 0 ? (int)condition.Shape[0] : 1;
        int given = condition is null ? 0 : condition.IsSpatial ? Features : (int)condition.Shape[0];
        Encoder = network.Encoder(shape.WithChannels(shape.Channels + Indicators.Count + channels), latents, Objectives.Posterior.ParametersPerLatent(posterior));
        Decoder = network.Decoder(shape, latents + given);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
        if (condition is { IsSpatial: true })
        {
            features = network.Encoder(shape.WithChannels(channels), Features, 1);
            register_module("features", features);
        }
        else if (condition is not null && shape.Sides.Count > 0)
        {
            plane = nn.Sequential(nn.Linear(condition.Shape[0], shape.ValuesPerChannel), SpatialLayers.ToShape(shape.WithChannels(1)));
            register_module("plane", plane);
        }

        if (learnsPrior)
        {
            var linear = nn.Linear(given, 2 * latents);
            nn.init.zeros_(linear.weight);
            nn.init.zeros_(linear.bias);
            register_module("prior", prior = linear);
        }
    }

    /// <summary>The architecture's name.</summary>
    public string Architecture { get; }

    /// <summary>The examples' shape.</summary>
    public ExampleShape Shape { get; }

    /// <summary>L, the number of latents.</summary>
    public int Latents { get; }

    /// <summary>What the encoder's output describes.</summary>
    public PosteriorKind Posterior { get; }

    /// <summary>What it is given besides the example; null for an unconditional VAE.</summary>
    public Condition? Condition { get; }

    /// <summary>Places in vectors whose values may be missing: the encoder is told which are.</summary>
    public IReadOnlyList<int> Indicators { get; }

    /// <summary>Whether there is a network for P(z|x).</summary>
    public bool LearnsPrior => prior is not null;

    /// <summary>Examples as the model sees them, Float32 [N, C, ...], to the posterior's parameters: means and log-variances, [N, 2 L], or means alone, [N, L].</summary>
    public nn.Module<Tensor, Tensor> Encoder { get; }

    /// <summary>Latents, Float32 [N, L], to the likelihood's parameters, [N, C, ...].</summary>
    public nn.Module<Tensor, Tensor> Decoder { get; }

    /// <summary>Q(z|y,x): what the encoder says about examples.</summary>
    /// <param name="lowering">Lowers the modules.</param>
    /// <param name="y">Float32 [N, C, ...].</param>
    /// <param name="x">The conditions, Float32 [N, ...]; null for an unconditional VAE.</param>
    /// <param name="observed">1 for values that are there, Float32 [N, C]; null if all are.</param>
    internal Posterior Encode(ModuleLowering lowering, Value y, Value? x, Value? observed = null)
    {
        int parameters = Objectives.Posterior.ParametersPerLatent(Posterior);
        Value?[] further = [Missing(y, observed), x is null || plane is null ? x : lowering.Lower(plane, x)];
        var output = lowering.Lower(Encoder, further.OfType<Value>().ToArray() is { Length: > 0 } inputs ? Ops.Concat(1, [y, .. inputs]) : y);
        return Objectives.Posterior.From(Posterior, ExpectedShape.Require(
            output, [y.Shape[0], parameters * Latents], $"The output of encoder '{Architecture}'", $"{parameters} for each of {Latents} latents"));
    }

    // 1 for values that are missing.
    private Value? Missing(Value y, Value? observed) => Indicators.Count == 0 ? null
        : Ops.Gather(observed is null ? 0f * y : 1f - observed, 1, [.. Indicators.Select(place => (long)place)]);

    /// <summary>P(y|z,x): the likelihood's parameters, Float32 [N, C, ...].</summary>
    /// <param name="lowering">Lowers the modules.</param>
    /// <param name="z">Float32 [N, L].</param>
    /// <param name="given">What <see cref="Summarize"/> makes of the conditions; null for an unconditional VAE.</param>
    internal Value Decode(ModuleLowering lowering, Value z, Value? given) => ExpectedShape.Require(
        lowering.Lower(Decoder, given is null ? z : Ops.Concat(1, z, given)), Shape.Batch(z.Shape[0]),
        $"The output of decoder '{Architecture}'", "parameters for each value of an example");

    /// <summary>The conditions as the decoder and the prior take them, Float32 [N, F]; null for an unconditional VAE.</summary>
    /// <param name="lowering">Lowers the modules.</param>
    /// <param name="x">The conditions, Float32 [N, ...].</param>
    internal Value? Summarize(ModuleLowering lowering, Value? x) => x is null || features is null ? x : lowering.Lower(features, x);

    /// <summary>P(z|x); null if it is not learned.</summary>
    /// <param name="lowering">Lowers the modules.</param>
    /// <param name="given">What <see cref="Summarize"/> makes of the conditions.</param>
    internal GaussianPosterior? Prior(ModuleLowering lowering, Value? given) => prior is null ? null : GaussianPosterior.From(lowering.Lower(prior, given!));
}
