using System.Text.Json.Nodes;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Objectives;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>
/// Compiles a VAE: the training step, the evaluation of a batch, and the graphs to be deployed.
/// </summary>
public sealed class VaeCompiler : AutoencoderCompiler
{
    private readonly Vae vae;
    private readonly VaeTrainingOptions options;

    /// <summary>Takes a network, with its weights as they are, and the options.</summary>
    /// <exception cref="ArgumentException">The batch is empty, or the prior is not one for the network's posterior, or the likelihood none for the objective.</exception>
    public VaeCompiler(Vae vae, VaeTrainingOptions options)
        : base(vae, vae.Image, options)
    {
        if (options.Prior.Posterior != vae.Posterior)
        {
            throw new ArgumentException($"The prior '{options.Prior.Name}' is for latents of kind {options.Prior.Posterior}, but the network has {vae.Posterior} ones.");
        }

        if (options is { Objective.Samples: > 1, Likelihood: OptimalGaussianLikelihood })
        {
            throw new ArgumentException(
                $"The likelihood '{options.Likelihood.Name}' is optimal for one sample per image, but the objective has {options.Objective.Samples}: take 'gaussian-learned'.");
        }

        (this.vae, this.options) = (vae, options);
    }

    /// <inheritdoc/>
    public override Program Step()
    {
        var training = Lowering.ForTraining();
        var forward = Forward(training, options.Objective.Samples, (posterior, noise) => posterior.Sample(noise));
        var likelihood = Likelihood.TrainingDistortion(forward.Y, forward.Output);
        var terms = Terms(forward, likelihood.PerImage, training);

        return TrainingProgram(
            options.Objective.Loss(terms),
            [.. forward.Inputs, .. likelihood.Inputs, .. training.Noise],
            [.. likelihood.Updates, .. training.Updates],
            [new("distortion", MetricRole.Scalar, Mean(terms.Distortion)), new("rate", MetricRole.Scalar, Mean(terms.Rate))]);
    }

    /// <inheritdoc/>
    public override Program Evaluate()
    {
        var forward = Forward(Lowering, samples: 1, (posterior, noise) => posterior.Code(noise));
        var terms = Terms(forward, Likelihood.Distortion(forward.Y, forward.Output), Lowering);
        return EvaluationProgram(forward.Inputs,
        [
            new("distortion", MetricRole.PerRow, terms.Distortion),
            new("rate", MetricRole.PerRow, terms.Rate),
            .. LikelihoodMetrics(forward, terms),
            .. ExchangedDistortion(forward),
            .. options.Prior.Variances(EncodeGaussian(Lowering)) is { } variances ? [new Metric("priorVariance", MetricRole.PriorVariance, variances)] : Array.Empty<Metric>(),
            .. terms.LatentRates is { } rates ? [new Metric("ratePerLatent", MetricRole.PerLatent, rates)] : Array.Empty<Metric>(),
            .. vae.Posterior == PosteriorKind.Gaussian
                ? (Metric[])[new("mean", MetricRole.PosteriorMean, forward.Posterior.Mean), new("logVar", MetricRole.PosteriorLogVariance, forward.Posterior.LogVar)]
                : [new("mean", MetricRole.PosteriorMean, forward.Z)],
        ]);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, OnnxModel> Deployables()
    {
        var graphs = new Dictionary<string, OnnxModel> { ["encoder"] = Encoder(), ["decoder"] = Decoder() };
        foreach (var (role, graph) in PriorGraphs())
        {
            graphs[role] = graph;
        }

        return graphs;
    }

    /// <summary>The encoder without weights: images [N, C, H, W] in [0, 1] to <c>mean</c> and <c>logVar</c>, [N, L]; rounded latents come as the whole numbers they are.</summary>
    public OnnxModel Encoder()
    {
        var (image, y) = EncoderInput();
        var posterior = Encode(Lowering, y);
        var mean = vae.Posterior == PosteriorKind.Rounded ? Round(posterior.Mean) : posterior.Mean;
        return Graph("encoder", [image], [("mean", mean), ("logVar", posterior.LogVar)]);
    }

    /// <summary>The decoder without weights: latents [N, L] to <c>image</c>, [N, C, H, W] in [0, 1].</summary>
    public OnnxModel Decoder()
    {
        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, vae.Latents]);
        return Graph("decoder", [z], [("image", Likelihood.Image(Lowering.Lower(vae.Decoder, z)))], ("onnxvae.prior", options.Prior.Name));
    }

    /// <summary>
    /// What the prior adds to encoder and decoder, without weights: <c>prior</c>, which makes draws of noise (<see cref="PriorSampler"/>), and
    /// <c>density</c>, whole numbers <c>z</c>, [N, L], to their probabilities, [N, L], for latents that are rounded.
    /// </summary>
    public IEnumerable<(string Role, OnnxModel Graph)> PriorGraphs()
    {
        if (options.Prior.Sampler(EncodeGaussian(Lowering)) is { } sampler)
        {
            yield return ("prior", Graph("prior", sampler.Inputs, [("z", sampler.Z)]));
        }

        if (options.Prior is CodeDensity density)
        {
            var z = Value.Input("z", ElementType.Float32, [Shape.Batch, vae.Latents]);
            yield return ("density", Graph("density", [z], [("probability", Exp(density.LogProbabilities(z)))]));
        }
    }

    // pixels -> y -> Q(z|y) -> z = mean + sigma eps -> the likelihood's parameters; K samples of every image, one copy of the batch after
    // the other.
    private ForwardPass Forward(ModuleLowering lowering, int samples, Func<Posterior, Value, Value> sample)
    {
        var (images, dither, y) = Images();
        var posterior = Encode(lowering, y).Repeated(samples);
        var noise = posterior.Noise([samples * options.BatchSize, vae.Latents]);
        var z = sample(posterior, noise.Value);
        return new ForwardPass([images, noise, dither], GaussianPosterior.RepeatRows(y, samples), posterior, noise.Value, z, lowering.Lower(vae.Decoder, z));
    }

    private ElboTerms Terms(ForwardPass forward, Value distortion, ModuleLowering lowering)
    {
        var latentRates = options.Prior.LatentRates(forward.Posterior, forward.Z);
        var logRatio = options.Prior.LogDensity(forward.Z, EncodeGaussian(lowering)) - forward.Posterior.LogDensity(forward.Noise);
        return new ElboTerms(distortion, latentRates is null ? -logRatio : SumPerRow(latentRates), latentRates, logRatio - distortion);
    }

    private Posterior Encode(ModuleLowering lowering, Value y) => Posterior.From(vae.Posterior, lowering.Lower(vae.Encoder, y));

    private Func<Value, GaussianPosterior> EncodeGaussian(ModuleLowering lowering) => y => GaussianPosterior.From(lowering.Lower(vae.Encoder, y));

    // The distortion with the latents of another image: what it adds is what the decoder takes from the latents.
    private IEnumerable<Metric> ExchangedDistortion(ForwardPass forward)
    {
        if (options.BatchSize > 1)
        {
            yield return new Metric(
                "distortionExchanged", MetricRole.PerRowExchanged, Likelihood.Distortion(forward.Y, Lowering.Lower(vae.Decoder, OfRowBefore(forward.Z))));
        }
    }

    private IEnumerable<Metric> LikelihoodMetrics(ForwardPass forward, ElboTerms terms)
    {
        if (Likelihood.IsNormalized)
        {
            yield return new Metric("negativeElbo", MetricRole.PerRow, terms.Distortion + terms.Rate);
        }

        if (Likelihood.IsNormalized && vae.Posterior == PosteriorKind.Gaussian)
        {
            yield return new Metric("logWeight", MetricRole.LogImportanceWeight, terms.LogWeight);
        }

        if (Likelihood is RateDistortion measured)
        {
            yield return new Metric(measured.MeasureName, MetricRole.PerRow, measured.Measure(forward.Y, Likelihood.Mean(forward.Output)));
        }
    }

    private protected override IReadOnlyList<State> States => [.. base.States, .. options.Prior.States];

    private protected override IReadOnlyList<ProgramInput> Schedules => options.Objective.Schedules;

    private protected override string ObjectiveText => $"{options.Objective.Formula}, P(y|z) = {Likelihood.Name}, P(z) = {options.Prior.Name}";

    private protected override JsonObject Describe()
    {
        var description = base.Describe();
        (description["prior"], description["latents"]) = (options.Prior.Name, vae.Latents);
        return description;
    }

    private OnnxModel Graph(
        string kind, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs, params IReadOnlyList<(string Key, string Value)> metadata) =>
        Deployable(kind, inputs, outputs, vae.Latents, metadata);

    private sealed record ForwardPass(
        IReadOnlyList<ProgramInput> Inputs, Value Y, Posterior Posterior, Value Noise, Value Z, Value Output);
}
