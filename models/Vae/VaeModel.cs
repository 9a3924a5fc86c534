using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models.Conditions;
using OnnxVae.Models.Objectives;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Vae;

/// <summary>
/// A variational autoencoder: y -> Q(z|y) -> z -> P(y|z), trained by an objective on the terms of the ELBO,
/// ln P(y) >= E[ln P(y|z)] - KL(Q(z|y) || P(z)). With a condition x it is that of ln P(y|x): Q(z|y,x), P(y|z,x), and P(z) or P(z|x).
/// </summary>
/// <remarks>
/// Kingma and Welling 2013, arXiv 1312.6114; Rezende, Mohamed and Wierstra 2014, arXiv 1401.4082. Conditional: Sohn, Lee and Yan 2015,
/// Learning structured output representation using deep conditional generative models.
/// </remarks>
public sealed class VaeModel : IModel
{
    private const int ScorerSamples = 8, ImputerSamples = 32;

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
    /// <param name="scaling">How real numbers are scaled; null for 8-bit pixels.</param>
    /// <param name="isChannelsLast">Whether the arrays that the examples come from have their channels last, which exported files tell.</param>
    /// <exception cref="ArgumentException">The prior does not fit the network's posterior, or the likelihood does not fit the objective or the values.</exception>
    public VaeModel(VaeNetworks networks, Likelihood likelihood, Objective objective, Prior? prior = null, PixelPreparation pixels = PixelPreparation.Grey, Scaling? scaling = null, bool isChannelsLast = false)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(likelihood);
        ArgumentNullException.ThrowIfNull(objective);
        prior ??= new StandardNormalPrior();
        if (prior.Posterior != networks.Posterior)
        {
            throw new ArgumentException($"The prior '{prior.Name}' is for latents of kind {prior.Posterior}, but the network has {networks.Posterior} ones.", nameof(prior));
        }

        if (prior.IsConditional != networks.LearnsPrior)
        {
            throw new ArgumentException($"The prior '{prior.Name}' {(prior.IsConditional ? "is a P(z|x), but the networks have none" : "is the same for all conditions, but the networks have a P(z|x)")}.", nameof(prior));
        }

        if (networks.Condition is not null && prior is VampPrior)
        {
            throw new ArgumentException($"The prior '{prior.Name}' encodes images without a condition, but the encoder is conditional: choose another prior.", nameof(prior));
        }

        if (networks.Condition is MaskCondition && (likelihood.IsForWholeImages || likelihood.ValueDistortions(OneExample(networks.Shape, "y"), OneExample(networks.Shape, "output")) is null))
        {
            throw new ArgumentException($"The likelihood '{likelihood.Name}' is that of whole images, but the condition hides a part of them: choose another likelihood.", nameof(likelihood));
        }

        if (networks.Indicators.Count > 0 && likelihood is not TableLikelihood)
        {
            throw new ArgumentException($"The networks have indicators of missing values, but the likelihood '{likelihood.Name}' is for examples without any: choose {nameof(TableLikelihood)}, or leave the indicators out.", nameof(networks));
        }

        if (objective.Samples > 1 && likelihood.IsForOneSample)
        {
            throw new ArgumentException(
                $"The likelihood '{likelihood.Name}' takes one sample of the latents per image, but the objective takes {objective.Samples}: choose another likelihood.", nameof(likelihood));
        }

        (this.networks, this.likelihood, this.objective, this.prior) = (networks, likelihood, objective, prior);
        Example = new Example(networks.Shape) { Pixels = pixels, Scaling = scaling, IsChannelsLast = isChannelsLast, Table = (likelihood as TableLikelihood)?.Table, Classes = networks.Condition?.Classes ?? [] };
        Example.RequireFit(likelihood);
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
    public string Objective => $"{objective.Formula}, P(y|z) = {likelihood.Name}, P(z) = {prior.Name}{(networks.Condition is { } condition ? $", all given a {condition.Kind}" : "")}";

    /// <inheritdoc/>
    public JsonObject Description => new() { ["network"] = networks.Architecture, ["likelihood"] = likelihood.Name, ["pixels"] = Example.DescribePixels(), ["prior"] = prior.Name };

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var forward = Forward(network, batchSize, objective.Samples, (posterior, noise) => posterior.Sample(noise));
        var distortion = forward.Counts is null ? likelihood.TrainingDistortion(forward.Y, forward.Output) : new TrainingDistortion(OfSome(forward, forward.Output), [], []);
        var terms = Terms(forward, InUnits(forward, distortion.PerImage), network);
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
        var terms = Terms(forward, Distortion(forward, forward.Output), network);
        var posterior = forward.Prior.Standardize(forward.Posterior);
        return new EvaluationGraph(forward.Inputs,
        [
            new("distortion", MetricRole.PerRow, terms.Distortion),
            new("rate", MetricRole.PerRow, terms.Rate),
            .. LikelihoodMetrics(forward, terms),
            .. ExchangedDistortion(forward, network),
            .. CountMetrics(forward),
            .. prior.Variances(EncodeGaussian(network)) is { } variances ? [new Metric("priorVariance", MetricRole.PriorVariance, variances)] : Array.Empty<Metric>(),
            .. terms.LatentRates is { } rates ? [new Metric("ratePerLatent", MetricRole.PerLatent, rates)] : Array.Empty<Metric>(),
            .. networks.Posterior == PosteriorKind.Gaussian
                ? (Metric[])[new("mean", MetricRole.PosteriorMean, posterior.Mean), new("logVar", MetricRole.PosteriorLogVariance, posterior.LogVar)]
                : [new("mean", MetricRole.PosteriorMean, forward.Z)],
        ]);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <c>encoder</c>: examples [N, C, ...] in [0, 1] or in the data's units to <c>mean</c> and <c>logVar</c>, [N, L]; rounded latents come as whole numbers.
    /// <c>decoder</c>: latents [N, L] to <c>image</c>, [N, C, ...] likewise. <c>prior</c>, unless it is N(0, I): noise to draws
    /// (<see cref="PriorSampler"/>). <c>density</c>, for latents that are rounded: whole numbers <c>z</c>, [N, L], to their probabilities, [N, L].
    /// Rows of tables are vectors, NaN where values are missing; their decoder also gives the standard deviation of each value under P(y|z), <c>deviation</c>, [N, C].
    /// <c>scorer</c>: examples and noise <c>eps</c>, standard normal [N, K, L], to scores, [N] each, and a map of the distortion, [N, C, ...].
    /// <c>imputer</c>, for tables: rows and noise <c>eps</c>, standard normal [N, K, L], to <c>logWeight</c>, ln P(y, z) / R(z) with R half Q(z|y) and half N(0, I), [N, K], and <c>mean</c> and <c>deviation</c> of P(y|z), [N, K, C].
    /// Those of a conditional VAE take a <c>condition</c> too, Float32 [N, ...].
    /// </remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network)
    {
        var (image, y) = Example.Deployed();
        var condition = networks.Condition;
        var (x, seen) = condition is null ? default : condition.Deployed(Example);
        var (given, entries) = (networks.Summarize(network, seen), condition?.Metadata ?? []);
        Value[] conditions = x is null ? [] : [x];
        var posterior = networks.Encode(network, y, seen, Example.Observed(image));
        var mean = networks.Posterior == PosteriorKind.Rounded ? Round(posterior.Mean) : posterior.Mean;
        yield return new Deployable(ExportedKinds.Encoder, [image, .. conditions], [("mean", mean), ("logVar", posterior.LogVar)], [.. entries]);

        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, networks.Latents]);
        var output = networks.Decode(network, z, given);
        var decoded = ExpectedShape.Require(
            Example.Output(likelihood, output), image.Shape, $"The mean of likelihood '{likelihood.Name}'", "one number for each value of an example");
        (string, Value)[] outputs = [("image", condition is null ? decoded : condition.Complete(decoded, Example.Scales is null ? seen : x!)), .. Deviations(output)];
        yield return new Deployable(ExportedKinds.Decoder, [z, .. conditions], outputs, [(MetadataKeys.Prior, prior.Name), .. entries]);

        if (Bound(networks.Prior(network, given)).Sampler(EncodeGaussian(network)) is { } sampler)
        {
            yield return prior.IsConditional
                ? new Deployable(ExportedKinds.Prior, [.. sampler.Inputs, .. conditions], [("z", sampler.Z)], [.. entries])
                : new Deployable(ExportedKinds.Prior, sampler.Inputs, [("z", sampler.Z)]);
        }

        if (prior.LogProbabilities(z) is { } logProbabilities)
        {
            yield return new Deployable(ExportedKinds.Density, [z], [("probability", Exp(logProbabilities))]);
        }

        yield return Scorer(network, image, y, x, seen);

        if (Example.Table is not null && networks.Posterior == PosteriorKind.Gaussian)
        {
            yield return Imputer(network, image, y, x, seen);
        }
    }

    // Rounded latents are the same in every sample.
    private Deployable Scorer(ModuleLowering network, Value image, Value y, Value? x, Value? seen)
    {
        int samples = networks.Posterior == PosteriorKind.Gaussian ? ScorerSamples : 1;
        var eps = networks.Posterior == PosteriorKind.Gaussian ? Value.Input(ScoreNames.Noise, ElementType.Float32, [Shape.Batch, samples, networks.Latents]) : null;
        var forward = Deployed(network, image, y, seen, samples, eps, (posterior, noise) => posterior.Code(noise));
        var values = Example.ValueDistortions(likelihood, forward.Y, forward.Output);
        var terms = Terms(forward, Distortion(forward, forward.Output), network);
        var scores = new ScoreTerms(terms.Distortion, terms.Rate, Example.SquaredError(forward.Y - likelihood.Mean(forward.Output), forward.Counts))
        {
            IsNormalized = likelihood.IsNormalized,
            LogWeight = eps is null ? null : terms.LogWeight,
            ValueDistortions = values is not null && forward.Counts is { } counts ? counts * Finite(values) : values,
        };
        Value?[] inputs = [image, eps, x];
        return scores.Scorer([.. inputs.OfType<Value>()], samples, networks.Condition?.Metadata ?? []);
    }

    // What self-normalized importance sampling needs of each sample of the latents: Mattei and Frellsen 2019, arXiv 1812.02633, section 3.2. Samples are of R(z), half of them Q(z|y) and half
    // N(0, I), so that weights are bounded where Q is narrower than P(z|y), if P(z) is N(0, I): Hesterberg 1995, Weighted average importance sampling and defensive mixture distributions.
    private Deployable Imputer(ModuleLowering network, Value image, Value y, Value? x, Value? seen)
    {
        var eps = Value.Input(ImputerNames.Noise, ElementType.Float32, [Shape.Batch, ImputerSamples, networks.Latents]);
        var isEncoded = Value.Of<float>([ImputerSamples, 1, 1], [.. Enumerable.Range(0, ImputerSamples).Select(sample => sample % 2f)]);
        var forward = Deployed(network, image, y, seen, ImputerSamples, eps, (posterior, noise) => Rows((isEncoded * Samples(posterior.Sample(noise))) + ((1f - isEncoded) * Samples(noise))));
        var posterior = (GaussianPosterior)forward.Posterior;
        var logRatio = forward.Prior.LogDensity(forward.Z, EncodeGaussian(network)) - LogMean(
            posterior.LogDensity((forward.Z - posterior.Mean) * Exp(-0.5f * posterior.LogVar)), new StandardNormalPrior().LogDensity(forward.Z, EncodeGaussian(network)));
        (string Name, Value Value)[] outputs =
        [
            (ImputerNames.LogWeight, Transpose(Reshape(Max(logRatio - Distortion(forward, forward.Output), float.MinValue), [ImputerSamples, Shape.Batch]), 1, 0)),
            (ImputerNames.Mean, BySample(Example.Output(likelihood, forward.Output))),
            .. Deviations(forward.Output).Select(deviation => (deviation.Name, BySample(deviation.Value))),
        ];
        return new Deployable(ExportedKinds.Imputer, x is null ? [image, eps] : [image, eps, x], outputs, [(MetadataKeys.Samples, $"{ImputerSamples}"), .. networks.Condition?.Metadata ?? []]);

        Value BySample(Value values) => Transpose(Reshape(values, [ImputerSamples, Shape.Batch, networks.Shape.Dimensions]), 1, 0, 2);

        Value Samples(Value z) => Reshape(z, [ImputerSamples, Shape.Batch, networks.Latents]);

        Value Rows(Value z) => Reshape(z, [ImputerSamples * Shape.Batch, networks.Latents]);
    }

    // For rows of tables, in the data's units.
    private IEnumerable<(string Name, Value Value)> Deviations(Value output) =>
        likelihood is TableLikelihood table ? [(ImputerNames.Deviation, Example.InUnitsUpToOffset(table.Deviation(output)))] : [];

    // K samples of each example of a deployed graph, of noise [N, K, L].
    private ForwardPass Deployed(ModuleLowering network, Value image, Value y, Value? seen, int samples, Value? eps, Func<Posterior, Value, Value> sample) => Forward(
        network, y, seen, seen is null ? Example.Observed(image) : networks.Condition!.Unknown(seen) ?? Example.Observed(image), samples,
        posterior => eps is null ? 0f * posterior.Mean : Reshape(Transpose(eps, 1, 0, 2), [samples * Shape.Batch, networks.Latents]), sample);

    // ln of the mean of two densities, which may be 0.
    private static Value LogMean(Value a, Value b)
    {
        const float lowest = float.MinValue / 4;
        return Max(Max(a, b), lowest) + Log(0.5f + (0.5f * Exp(-Abs(Max(a, lowest) - Max(b, lowest)))));
    }

    // A missing value must not cost infinity times 0.
    private Value Finite(Value distortions) => Example.Table is null ? distortions : Min(distortions, float.MaxValue);

    // pixels -> y -> Q(z|y) -> z = mean + sigma eps -> the likelihood's parameters; K samples of every image, one copy of the batch after
    // the other.
    private ForwardPass Forward(ModuleLowering network, int batchSize, int samples, Func<Posterior, Value, Value> sample)
    {
        var batch = Example.Batch(batchSize);
        var x = networks.Condition?.Of(batch);
        ProgramInput? noise = null;
        var forward = Forward(
            network, batch.Seen, x?.Value, x?.IsUnknown ?? batch.Observed, samples, posterior => (noise = posterior.Noise([samples * batchSize, networks.Latents])).Value, sample);
        return forward with { Inputs = [batch.Images, noise!, batch.Binarization, .. x?.Inputs ?? []] };
    }

    private ForwardPass Forward(
        ModuleLowering network, Value y, Value? x, Value? counts, int samples, Func<Posterior, Value> noiseOf, Func<Posterior, Value, Value> sample)
    {
        var posterior = networks.Encode(network, y, x, Example.Table is null ? null : counts).Repeated(samples);
        var noise = noiseOf(posterior);
        var z = sample(posterior, noise);
        var given = Repeated(networks.Summarize(network, x));
        return new ForwardPass(GaussianPosterior.RepeatRows(y, samples), posterior, noise, z, networks.Decode(network, z, given))
        {
            Given = given,
            Prior = Bound(networks.Prior(network, given)),
            Counts = Repeated(counts),
        };

        Value? Repeated(Value? rows) => rows is null ? null : GaussianPosterior.RepeatRows(rows, samples);
    }

    private Prior Bound(GaussianPosterior? components) => components is null ? prior : prior.Given(components);

    // -ln P(y|z), or that of the values which count.
    private Value Distortion(ForwardPass forward, Value output) =>
        InUnits(forward, forward.Counts is null ? likelihood.Distortion(forward.Y, output) : OfSome(forward, output));

    private Value OfSome(ForwardPass forward, Value output) => SumPerRow(forward.Counts! * Finite(Example.ValueDistortions(likelihood, forward.Y, output)!));

    // That of the values of a part is in the data's units already.
    private Value InUnits(ForwardPass forward, Value distortion)
    {
        ExpectedShape.Require(
            distortion, [forward.Y.Shape[0]], $"The distortion of likelihood '{likelihood.Name}'", "one number per example: sum over all of its values, as SumPerRow does");
        return forward.Counts is null ? Example.Distortion(likelihood, distortion) : distortion;
    }

    private ElboTerms Terms(ForwardPass forward, Value distortion, ModuleLowering network)
    {
        var latentRates = forward.Prior.LatentRates(forward.Posterior, forward.Z);
        var logRatio = forward.Prior.LogDensity(forward.Z, EncodeGaussian(network)) - forward.Posterior.LogDensity(forward.Noise);
        return new ElboTerms(distortion, latentRates is null ? -logRatio : SumPerRow(latentRates), latentRates, logRatio - distortion);
    }

    private Func<Value, GaussianPosterior> EncodeGaussian(ModuleLowering network) => y => (GaussianPosterior)networks.Encode(network, y, x: null);

    // The distortion with the latents of another image: the increase is what the decoder takes from the latents.
    private IEnumerable<Metric> ExchangedDistortion(ForwardPass forward, ModuleLowering network)
    {
        if (forward.Y.Shape[0] > 1)
        {
            yield return new Metric(
                "distortionExchanged", MetricRole.PerRowExchanged, Distortion(forward, networks.Decode(network, RowBefore.Of(forward.Z), forward.Given)));
        }
    }

    // How many values the likelihood is of: of a table, the columns that are not missing.
    private IEnumerable<Metric> CountMetrics(ForwardPass forward)
    {
        if (forward.Counts is not { } counts)
        {
            yield break;
        }

        yield return Example.Table is not { } table
            ? new Metric("unknownValues", MetricRole.PerRow, networks.Shape.Channels * SumPerRow(counts))
            : new Metric("observedValues", MetricRole.PerRow, SumPerRow(counts * Value.Of<float>([table.Width], [.. table.Blocks.SelectMany(block => Enumerable.Repeat(1f / block.Width, block.End - block.Start))])));
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
            yield return new Metric(measured.MeasureName, MetricRole.PerRow, measured.Measure(Example.InUnitsUpToOffset(forward.Y), Example.InUnitsUpToOffset(likelihood.Mean(forward.Output))));
        }
    }

    private sealed record ForwardPass(Value Y, Posterior Posterior, Value Noise, Value Z, Value Output)
    {
        // Of a program.
        public IReadOnlyList<ProgramInput> Inputs { get; init; } = [];

        // What the conditions tell the decoder; null for an unconditional VAE.
        public Value? Given { get; init; }

        // P(z), or P(z|x).
        public required Prior Prior { get; init; }

        // 1 for values that the likelihood is of: pixels that the condition does not show, or values that are not missing; null if it is of all.
        public Value? Counts { get; init; }
    }

    private static Value OneExample(ExampleShape shape, string name) => Value.Input(name, ElementType.Float32, shape.Batch(1));
}
