using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Vae;

/// <summary>
/// A variational autoencoder: y -> Q(z|y) -> z -> P(y|z), trained by an objective on the terms of the ELBO,
/// ln P(y) >= E[ln P(y|z)] - KL(Q(z|y) || P(z)).
/// </summary>
/// <remarks>Kingma and Welling 2013, arXiv 1312.6114; Rezende, Mohamed and Wierstra 2014, arXiv 1401.4082.</remarks>
public sealed class VaeModel : IModel
{
    private readonly VaeNetworks networks;
    private readonly Likelihood likelihood;
    private readonly Objective objective;
    private readonly Prior prior;

    /// <summary>Builds a VAE.</summary>
    /// <param name="networks">Encoder and decoder.</param>
    /// <param name="likelihood">P(y|z).</param>
    /// <param name="objective">The objective to minimize.</param>
    /// <param name="prior">P(z); N(0, I) if left out.</param>
    /// <param name="pixels">How pixels are prepared for the model.</param>
    /// <exception cref="ArgumentException">The prior does not fit the network's posterior, or the likelihood does not fit the objective.</exception>
    public VaeModel(VaeNetworks networks, Likelihood likelihood, Objective objective, Prior? prior = null, PixelPreparation pixels = PixelPreparation.Grey)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(likelihood);
        ArgumentNullException.ThrowIfNull(objective);
        prior ??= new StandardNormalPrior();
        if (prior.Posterior != networks.Posterior)
        {
            throw new ArgumentException($"The prior '{prior.Name}' is for latents of kind {prior.Posterior}, but the network has {networks.Posterior} ones.", nameof(prior));
        }

        if (objective.Samples > 1 && likelihood.IsForOneSample)
        {
            throw new ArgumentException(
                $"The likelihood '{likelihood.Name}' takes one sample of the latents per image, but the objective takes {objective.Samples}: choose another likelihood.", nameof(likelihood));
        }

        (this.networks, this.likelihood, this.objective, this.prior) = (networks, likelihood, objective, prior);
        Example = new Example(networks.Image) { Pixels = pixels };
    }

    /// <inheritdoc/>
    public Example Example { get; }

    /// <inheritdoc/>
    public Latents Latents => Latents.Vector(networks.Latents);

    /// <inheritdoc/>
    public torch.nn.Module Network => networks;

    /// <inheritdoc/>
    public IReadOnlyList<State> States => [.. likelihood.States, .. prior.States];

    /// <inheritdoc/>
    public IReadOnlyList<Metric> StateMetrics => likelihood.StateMetrics;

    /// <inheritdoc/>
    public IReadOnlyList<ProgramInput> Schedules => objective.Schedules;

    /// <inheritdoc/>
    public string Objective => $"{objective.Formula}, P(y|z) = {likelihood.Name}, P(z) = {prior.Name}";

    /// <inheritdoc/>
    public JsonObject Description => new() { ["network"] = networks.Architecture, ["likelihood"] = likelihood.Name, ["pixels"] = Example.Pixels.Describe(), ["prior"] = prior.Name };

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var forward = Forward(network, batchSize, objective.Samples, (posterior, noise) => posterior.Sample(noise));
        var distortion = likelihood.TrainingDistortion(forward.Y, forward.Output);
        var terms = Terms(forward, distortion.PerImage, network);
        return new TrainingGraph(objective.Loss(terms), [.. forward.Inputs, .. distortion.Inputs])
        {
            Updates = distortion.Updates,
            Metrics = [new("distortion", MetricRole.Scalar, Mean(terms.Distortion)), new("rate", MetricRole.Scalar, Mean(terms.Rate))],
        };
    }

    /// <inheritdoc/>
    public EvaluationGraph Evaluate(ModuleLowering network, int batchSize)
    {
        var forward = Forward(network, batchSize, samples: 1, (posterior, noise) => posterior.Code(noise));
        var terms = Terms(forward, likelihood.Distortion(forward.Y, forward.Output), network);
        return new EvaluationGraph(forward.Inputs,
        [
            new("distortion", MetricRole.PerRow, terms.Distortion),
            new("rate", MetricRole.PerRow, terms.Rate),
            .. LikelihoodMetrics(forward, terms),
            .. ExchangedDistortion(forward, network),
            .. prior.Variances(EncodeGaussian(network)) is { } variances ? [new Metric("priorVariance", MetricRole.PriorVariance, variances)] : Array.Empty<Metric>(),
            .. terms.LatentRates is { } rates ? [new Metric("ratePerLatent", MetricRole.PerLatent, rates)] : Array.Empty<Metric>(),
            .. networks.Posterior == PosteriorKind.Gaussian
                ? (Metric[])[new("mean", MetricRole.PosteriorMean, forward.Posterior.Mean), new("logVar", MetricRole.PosteriorLogVariance, forward.Posterior.LogVar)]
                : [new("mean", MetricRole.PosteriorMean, forward.Z)],
        ]);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <c>encoder</c>: images [N, C, H, W] in [0, 1] to <c>mean</c> and <c>logVar</c>, [N, L]; rounded latents come as whole numbers.
    /// <c>decoder</c>: latents [N, L] to <c>image</c>, [N, C, H, W] in [0, 1]. <c>prior</c>, unless it is N(0, I): noise to draws
    /// (<see cref="PriorSampler"/>). <c>density</c>, for latents that are rounded: whole numbers <c>z</c>, [N, L], to their probabilities, [N, L].
    /// </remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network)
    {
        var (image, y) = Example.Deployed();
        var posterior = Encode(network, y);
        var mean = networks.Posterior == PosteriorKind.Rounded ? Round(posterior.Mean) : posterior.Mean;
        yield return new Deployable(ExportedKinds.Encoder, [image], [("mean", mean), ("logVar", posterior.LogVar)]);

        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, networks.Latents]);
        yield return new Deployable(ExportedKinds.Decoder, [z], [("image", likelihood.Image(network.Lower(networks.Decoder, z)))], (MetadataKeys.Prior, prior.Name));

        if (prior.Sampler(EncodeGaussian(network)) is { } sampler)
        {
            yield return new Deployable(ExportedKinds.Prior, sampler.Inputs, [("z", sampler.Z)]);
        }

        if (prior.LogProbabilities(z) is { } logProbabilities)
        {
            yield return new Deployable(ExportedKinds.Density, [z], [("probability", Exp(logProbabilities))]);
        }
    }

    // pixels -> y -> Q(z|y) -> z = mean + sigma eps -> the likelihood's parameters; K samples of every image, one copy of the batch after
    // the other.
    private ForwardPass Forward(ModuleLowering network, int batchSize, int samples, Func<Posterior, Value, Value> sample)
    {
        var batch = Example.Batch(batchSize);
        var posterior = Encode(network, batch.Seen).Repeated(samples);
        var noise = posterior.Noise([samples * batchSize, networks.Latents]);
        var z = sample(posterior, noise.Value);
        return new ForwardPass(
            [batch.Images, noise, batch.Binarization], GaussianPosterior.RepeatRows(batch.Seen, samples), posterior, noise.Value, z, network.Lower(networks.Decoder, z));
    }

    private ElboTerms Terms(ForwardPass forward, Value distortion, ModuleLowering network)
    {
        var latentRates = prior.LatentRates(forward.Posterior, forward.Z);
        var logRatio = prior.LogDensity(forward.Z, EncodeGaussian(network)) - forward.Posterior.LogDensity(forward.Noise);
        return new ElboTerms(distortion, latentRates is null ? -logRatio : SumPerRow(latentRates), latentRates, logRatio - distortion);
    }

    private Posterior Encode(ModuleLowering network, Value y) => Posterior.From(networks.Posterior, network.Lower(networks.Encoder, y));

    private Func<Value, GaussianPosterior> EncodeGaussian(ModuleLowering network) => y => GaussianPosterior.From(network.Lower(networks.Encoder, y));

    // The distortion with the latents of another image: the increase is what the decoder takes from the latents.
    private IEnumerable<Metric> ExchangedDistortion(ForwardPass forward, ModuleLowering network)
    {
        if (forward.Y.Shape[0] > 1)
        {
            yield return new Metric(
                "distortionExchanged", MetricRole.PerRowExchanged, likelihood.Distortion(forward.Y, network.Lower(networks.Decoder, RowBefore.Of(forward.Z))));
        }
    }

    private IEnumerable<Metric> LikelihoodMetrics(ForwardPass forward, ElboTerms terms)
    {
        if (likelihood.IsNormalized)
        {
            yield return new Metric("negativeElbo", MetricRole.PerRow, terms.Distortion + terms.Rate);
        }

        if (likelihood.IsNormalized && networks.Posterior == PosteriorKind.Gaussian)
        {
            yield return new Metric("logWeight", MetricRole.LogImportanceWeight, terms.LogWeight);
        }

        if (likelihood is RateDistortion measured)
        {
            yield return new Metric(measured.MeasureName, MetricRole.PerRow, measured.Measure(forward.Y, likelihood.Mean(forward.Output)));
        }
    }

    private sealed record ForwardPass(
        IReadOnlyList<ProgramInput> Inputs, Value Y, Posterior Posterior, Value Noise, Value Z, Value Output);
}
