using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Objectives;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>
/// Compiles a VAE: the training step, the evaluation of a batch, and the graphs to be deployed.
/// </summary>
public sealed class VaeCompiler
{
    private readonly Vae vae;
    private readonly VaeTrainingOptions options;
    private readonly ModuleLowering lowering;
    private readonly WeightAveraging? averaging;

    /// <summary>Takes a network, with its weights as they are, and the options.</summary>
    /// <exception cref="ArgumentException">The batch is empty, or the prior is not one for the network's posterior, or the likelihood none for the objective.</exception>
    public VaeCompiler(Vae vae, VaeTrainingOptions options)
    {
        if (options.BatchSize < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The batch size is {options.BatchSize}; a batch has at least 1 image.");
        }

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
        lowering = new ModuleLowering(vae);
        averaging = options.WeightAveraging is { } decay ? new WeightAveraging(States, decay) : null;
    }

    private IReadOnlyList<State> States => [.. lowering.States, .. Likelihood.States, .. options.Prior.States];

    private Likelihood Likelihood => options.Likelihood;

    private Shape BatchShape => [options.BatchSize, vae.Image.Channels, vae.Image.Height, vae.Image.Width];

    /// <summary>Writes the training package.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="description">Entries to add to the manifest's description of the model.</param>
    /// <param name="target">Where it will run; the processor if absent.</param>
    public TrainingPackage Write(string folder, JsonObject? description = null, ExpansionTarget? target = null)
    {
        var model = Describe();
        foreach (var (key, value) in description ?? [])
        {
            model[key] = value?.DeepClone();
        }

        var deployables = new Dictionary<string, OnnxModel> { ["encoder"] = Encoder(), ["decoder"] = Decoder() };
        foreach (var (role, graph) in PriorGraphs())
        {
            deployables[role] = graph;
        }

        return TrainingPackage.Write(folder, model, Step(), Evaluate(), deployables, target);
    }

    /// <summary>The training step: forward pass, gradients, optimizer.</summary>
    public Program Step()
    {
        var training = lowering.ForTraining();
        var forward = Forward(training, options.Objective.Samples, (posterior, noise) => posterior.Sample(noise));
        var likelihood = Likelihood.TrainingDistortion(forward.Y, forward.Output);
        var terms = Terms(forward, likelihood.PerImage, training);

        return new TrainingStep(options.Objective.Loss(terms), States, options.Optimizer)
        {
            Inputs = [.. forward.Inputs, .. options.Objective.Schedules, .. likelihood.Inputs, .. training.Noise],
            Updates = [.. likelihood.Updates, .. training.Updates],
            MaxGradientNorm = options.MaxGradientNorm,
            Averaging = averaging,
            Metrics =
            [
                new("distortion", MetricRole.Scalar, Mean(terms.Distortion)),
                new("rate", MetricRole.Scalar, Mean(terms.Rate)),
                .. SigmaMetric(),
            ],
        }.ToProgram();
    }

    /// <summary>The evaluation of one batch: everything per image, so that averages over any number of images are exact.</summary>
    public Program Evaluate()
    {
        var forward = Forward(lowering, samples: 1, (posterior, noise) => posterior.Code(noise));
        var terms = Terms(forward, Likelihood.Distortion(forward.Y, forward.Output), lowering);
        Metric[] metrics =
        [
            new("distortion", MetricRole.PerRow, terms.Distortion),
            new("rate", MetricRole.PerRow, terms.Rate),
            .. LikelihoodMetrics(forward, terms),
            .. terms.LatentRates is { } rates ? [new Metric("ratePerLatent", MetricRole.PerLatent, rates)] : Array.Empty<Metric>(),
            .. vae.Posterior == PosteriorKind.Gaussian
                ? (Metric[])[new("mean", MetricRole.PosteriorMean, forward.Posterior.Mean), new("logVar", MetricRole.PosteriorLogVariance, forward.Posterior.LogVar)]
                : [new("mean", MetricRole.PosteriorMean, forward.Z)],
            .. SigmaMetric(),
        ];
        var values = Evaluated([.. metrics.Select(metric => metric.Value)]);
        return new Program("evaluate", forward.Inputs, EvaluatedStates, [], [.. metrics.Zip(values, (metric, value) => metric with { Value = value })]);
    }

    /// <summary>The encoder without weights: images [N, C, H, W] in [0, 1] to <c>mean</c> and <c>logVar</c>, [N, L]; rounded latents come as the whole numbers they are.</summary>
    public OnnxModel Encoder()
    {
        var image = Value.Input("image", ElementType.Float32, BatchShape.With(0, Shape.Batch));
        var y = options.Pixels == PixelPreparation.Grey ? image : Binary(image, 0.5f);
        var posterior = Encode(lowering, y);
        var mean = vae.Posterior == PosteriorKind.Rounded ? Round(posterior.Mean) : posterior.Mean;
        return Deployable("encoder", [image], [("mean", mean), ("logVar", posterior.LogVar)]);
    }

    /// <summary>The decoder without weights: latents [N, L] to <c>image</c>, [N, C, H, W] in [0, 1].</summary>
    public OnnxModel Decoder()
    {
        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, vae.Latents]);
        return Deployable("decoder", [z], [("image", Likelihood.Image(lowering.Lower(vae.Decoder, z)))]);
    }

    /// <summary>
    /// What the prior adds to encoder and decoder, without weights: <c>prior</c>, which makes draws of noise (<see cref="PriorSampler"/>), and
    /// <c>density</c>, whole numbers <c>z</c>, [N, L], to their probabilities, [N, L], for latents that are rounded.
    /// </summary>
    public IEnumerable<(string Role, OnnxModel Graph)> PriorGraphs()
    {
        if (options.Prior.Sampler(EncodeGaussian(lowering)) is { } sampler)
        {
            yield return ("prior", Deployable("prior", sampler.Inputs, [("z", sampler.Z)]));
        }

        if (options.Prior is CodeDensity density)
        {
            var z = Value.Input("z", ElementType.Float32, [Shape.Batch, vae.Latents]);
            yield return ("density", Deployable("density", [z], [("probability", Exp(density.LogProbabilities(z)))]));
        }
    }

    // pixels -> y -> Q(z|y) -> z = mean + sigma eps -> the likelihood's parameters; K samples of every image, one copy of the batch after
    // the other.
    private ForwardPass Forward(ModuleLowering lowering, int samples, Func<Posterior, Value, Value> sample)
    {
        var images = ProgramInput.Data("images", ElementType.UInt8, BatchShape);
        var dither = ProgramInput.DataUniform("dither", BatchShape);
        var grey = Cast(images.Value, ElementType.Float32) * (1f / 255f);
        var y = options.Pixels switch
        {
            PixelPreparation.Threshold => Binary(grey, 0.5f),
            PixelPreparation.Sampled => Binary(grey, dither.Value),
            _ => grey,
        };

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

    // 1 with the probability of the pixel where the threshold is uniform; pixels above one half where it is that.
    private static Value Binary(Value pixels, Value threshold) => Where(Greater(pixels, threshold), 1f, 0f);

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

    // What is evaluated and exported reads the averaged weights where there are such.
    private IReadOnlyList<Value> Evaluated(IReadOnlyList<Value> values) => averaging is null ? values : StateReplacement.Replace(values, averaging.Averages);

    private IReadOnlyList<State> EvaluatedStates => [.. States, .. averaging?.Averages.Values ?? []];

    private IEnumerable<Metric> SigmaMetric() => Likelihood.Sigma is { } sigma ? [new Metric("sigma", MetricRole.Scalar, sigma)] : [];

    private OnnxModel Deployable(string kind, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs) => OnnxModelWriter
        .Build(
            kind, [.. inputs, .. EvaluatedStates.Select(state => state.Current)],
            [.. outputs.Zip(Evaluated([.. outputs.Select(output => output.Value)]), (output, value) => (output.Name, value))])
        .WithMetadata(new Dictionary<string, string>
        {
            ["onnxvae.kind"] = kind,
            ["onnxvae.latentSize"] = $"{vae.Latents}",
            ["onnxvae.imageShape"] = $"{vae.Image.Channels},{vae.Image.Height},{vae.Image.Width}",
            ["onnxvae.pixelRange"] = "0,1",
            ["onnxvae.objective"] = ObjectiveText,
            ["onnxvae.version"] = typeof(VaeCompiler).Assembly.GetName().Version!.ToString(3),
        });

    private string ObjectiveText => $"{options.Objective.Formula}, P(y|z) = {Likelihood.Name}, P(z) = {options.Prior.Name}";

    private JsonObject Describe() => new()
    {
        ["objective"] = ObjectiveText,
        ["likelihood"] = Likelihood.Name,
        ["prior"] = options.Prior.Name,
        ["latents"] = vae.Latents,
        ["imageShape"] = new JsonArray(vae.Image.Channels, vae.Image.Height, vae.Image.Width),
        ["pixels"] = $"UInt8, divided by 255 in the graph{(options.Pixels == PixelPreparation.Grey ? "" : $", then made 0 or 1: {options.Pixels}")}",
        ["batchSize"] = options.BatchSize,
        ["parameters"] = States.Where(state => state.Spec.Role is StateRole.Parameter or StateRole.Frozen).Sum(state => state.Spec.Shape.ElementCount),
        ["optimizer"] = options.Optimizer.Name,
        ["maxGradientNorm"] = options.MaxGradientNorm,
        ["weightAveraging"] = options.WeightAveraging,
        ["schedules"] = new JsonObject(options.Objective.Schedules.Prepend(options.Optimizer.LearningRate).Select(input => KeyValuePair.Create(
            input.Spec.Name, JsonSerializer.SerializeToNode(input.Spec.Schedule, Manifest.JsonOptions)))),
    };

    private sealed record ForwardPass(
        IReadOnlyList<ProgramInput> Inputs, Value Y, Posterior Posterior, Value Noise, Value Z, Value Output);
}
