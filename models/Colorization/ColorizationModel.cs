using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Colorization;

/// <summary>How the segments of training images are inferred.</summary>
public enum SegmentInference
{
    /// <summary>
    /// Q is the exact posterior, P(z|x) P(y|z,x) / P(y|x): the E step of EM, and the ELBO is ln P(y|x) itself. With another beta than 1, the Q that is
    /// best for it, P(z|x) P(y|z,x)^(1/beta) up to a factor.
    /// </summary>
    Exact,

    /// <summary>Q is a network's, and expectations are sums over all segments.</summary>
    Enumerated,

    /// <summary>Q is a network's, and its samples are relaxed to points between segments.</summary>
    GumbelSoftmax,

    /// <summary>Q is a network's; samples are segments, with the gradient of the relaxed ones.</summary>
    StraightThrough,
}

/// <summary>
/// Colorization with a latent segmentation: P(y|x) = sum over z of P(z|x) P(y|z,x), x the luminance of an image, y its chroma, z a segment for each
/// cell of a grid. Trained by an objective on the terms of the ELBO, E[-ln P(y|z,x)] + KL(Q(z|x,y) || P(z|x)).
/// </summary>
/// <remarks>
/// The lecture's question, after Larsson, Maire and Shakhnarovich 2016, arXiv 1603.06668: is z a segmentation, if color is all there is to learn from?
/// Cells are independent given x. Relaxed samples: Jang, Gu and Poole 2017, arXiv 1611.01144; Maddison, Mnih and Teh 2017, arXiv 1611.00712. Colors
/// are Gaussian with standard deviations above e^-5, by ln sigma = -5 + softplus(s + 5).
/// </remarks>
public sealed class ColorizationModel : IModel
{
    private const float LogSigmaFloor = -5f;

    // Of the posterior while beta rises from 0.
    private const float SmallestBeta = 0.02f;

    // Keeps -ln(-ln u) finite.
    private const float SmallestUniform = 1e-7f;

    private readonly ColorizationNetworks networks;
    private readonly Objective objective;
    private readonly SegmentInference inference;
    private readonly double temperature;

    /// <summary>Builds a model.</summary>
    /// <param name="networks">Its networks.</param>
    /// <param name="objective">The objective to minimize; free bits are counted cell by cell.</param>
    /// <param name="inference">How segments are inferred in training.</param>
    /// <param name="temperature">What the relaxed samples' logits are divided by.</param>
    /// <exception cref="ArgumentException">The parts do not fit together.</exception>
    public ColorizationModel(ColorizationNetworks networks, Objective objective, SegmentInference inference = SegmentInference.Exact, double temperature = 0.5)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(objective);
        if (inference <= SegmentInference.Enumerated && networks.Restriction == ColorDecoder.Unrestricted)
        {
            throw new ArgumentException("A decoder that sees all segments at once cannot be enumerated: sample them, or restrict the decoder.", nameof(inference));
        }

        if (inference == SegmentInference.Exact != networks.Posterior is null)
        {
            throw new ArgumentException($"With {inference} inference there is {(networks.Posterior is null ? "a" : "no")} network for Q(z|x,y).", nameof(networks));
        }

        if (objective.Samples > 1)
        {
            throw new ArgumentException($"Colorization takes one sample of the segments per image, but the objective takes {objective.Samples}.", nameof(objective));
        }

        if (!(temperature > 0 && double.IsFinite(temperature)))
        {
            throw new ArgumentException($"The temperature is {temperature}; it must be a positive number.", nameof(temperature));
        }

        (this.networks, this.objective, this.inference, this.temperature) = (networks, objective, inference, temperature);
        Example = new Example(networks.Image) { Scaling = Scaling.OfPixels(bitDepth: 8) };
    }

    /// <inheritdoc/>
    public Example Example { get; }

    /// <inheritdoc/>
    public Latents Latents => Latents.Codes(Grid);

    /// <inheritdoc/>
    public torch.nn.Module Network => networks;

    /// <inheritdoc/>
    public IReadOnlyList<ProgramInput> Schedules => objective.Schedules;

    /// <inheritdoc/>
    public string Objective => $"{objective.Formula}, y the chroma, z in {Grid.Positions} of {Grid.Codes} segments, all given the luminance";

    /// <inheritdoc/>
    public JsonObject Description => new()
    {
        ["network"] = "colorization",
        ["decoder"] = $"{networks.Restriction}",
        ["inference"] = $"{inference}",
        ["pixels"] = "Float32",
        ["grid"] = $"{Grid.Height} x {Grid.Width} of {Grid.Codes} segments",
    };

    private CodeGridShape Grid => new(networks.Segments, networks.Image.Height / networks.Stride, networks.Image.Width / networks.Stride);

    private bool IsFactorized => networks.Restriction != ColorDecoder.Unrestricted;

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var (x, y) = Chroma.Split(batch.Seen);
        var logPrior = LogSoftmax(network.Lower(networks.Prior, x), axis: 1);
        var distortions = IsFactorized ? Distortions(network, x, y) : null;
        var logPosterior = LogPosterior(network, x, y, logPrior, distortions is null ? null : distortions / Max(objective.Beta, SmallestBeta));
        var uniform = ProgramInput.Uniform("segmentNoise", [batchSize, Grid.Codes, Grid.Height, Grid.Width]);
        var distortion = inference <= SegmentInference.Enumerated
            ? SumPerRow(Exp(logPosterior) * distortions!)
            : Distortion(network, x, y, Sample(logPosterior, uniform.Value));
        var terms = Terms(logPosterior, logPrior, distortion);
        return new TrainingGraph(objective.Loss(terms), [batch.Images, uniform])
        {
            Metrics = [new("distortion", MetricRole.Scalar, Mean(terms.Distortion)), new("rate", MetricRole.Scalar, Mean(terms.Rate))],
        };
    }

    /// <inheritdoc/>
    /// <remarks>
    /// With a restricted decoder, expectations over segments are sums; else one sample stands for them. <c>distortionFromPrior</c>: with segments drawn
    /// from P(z|x) instead of Q. <c>distortionExchanged</c>: with those of another image. <c>priorEntropy</c>: of P(z|x), summed over cells.
    /// </remarks>
    public EvaluationGraph Evaluate(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var (x, y) = Chroma.Split(batch.Seen);
        var logPrior = LogSoftmax(network.Lower(networks.Prior, x), axis: 1);
        var distortions = IsFactorized ? Distortions(network, x, y) : null;
        var logPosterior = LogPosterior(network, x, y, logPrior, distortions);
        var uniform = ProgramInput.Uniform("segmentNoise", [batchSize, Grid.Codes, Grid.Height, Grid.Width]);
        var (posterior, prior) = (Exp(logPosterior), Exp(logPrior));
        Value Expected(Value logProbabilities) => distortions is not null
            ? SumPerRow(Exp(logProbabilities) * distortions)
            : Distortion(network, x, y, Hard(logProbabilities + Gumbel(uniform.Value)));
        var terms = Terms(logPosterior, logPrior, Expected(logPosterior));
        return new EvaluationGraph([batch.Images, uniform],
        [
            new("negativeElbo", MetricRole.PerRow, terms.Distortion + terms.Rate),
            new("distortion", MetricRole.PerRow, terms.Distortion),
            new("rate", MetricRole.PerRow, terms.Rate),
            new("distortionFromPrior", MetricRole.PerRow, Expected(logPrior)),
            .. batchSize > 1 ? [new Metric("distortionExchanged", MetricRole.PerRowExchanged, Expected(RowBefore.Of(logPosterior)))] : Array.Empty<Metric>(),
            .. distortions is not null ? [new Metric("exactNegativeLogLikelihood", MetricRole.PerRow, -SumPerRow(LogSumExp(logPrior - distortions, axis: 1)))] : Array.Empty<Metric>(),
            new("priorEntropy", MetricRole.PerRow, -SumPerRow(prior * logPrior)),
            new("unknownValues", MetricRole.PerRow, ConstantOfShape([batchSize], y.Shape.ElementCount / batchSize)),
            new("codesSegments", MetricRole.CodeCounts, ReduceSum(posterior, [2, 3])),
            new("codesSegmentsOfPrior", MetricRole.CodeCounts, ReduceSum(prior, [2, 3])),
            new("segments", MetricRole.Segments, Cast(Reshape(ArgMax(logPrior, axis: 1), [batchSize, Grid.Positions]), ElementType.Float32)),
        ]);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <c>colorizer</c>: luminance <c>grey</c>, [N, 1, H, W] in [0, 1], and noise, <c>u</c> uniform in [0, 1), [N, 1, h, w], and <c>eps</c> standard normal,
    /// [N, 2, H, W], to <c>image</c>, [N, 3, H, W] in [0, 1], the <c>segments</c> that were drawn, [N, 1, h, w], and their probabilities <c>P(z|x)</c>,
    /// <c>probabilities</c>, [N, K, h, w].
    /// </remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network)
    {
        ArgumentNullException.ThrowIfNull(network);
        var image = networks.Image;
        var x = Value.Input("grey", ElementType.Float32, [Shape.Batch, 1, image.Height, image.Width]);
        var u = Value.Input("u", ElementType.Float32, [Shape.Batch, 1, Grid.Height, Grid.Width]);
        var eps = Value.Input("eps", ElementType.Float32, [Shape.Batch, Chroma.Channels, image.Height, image.Width]);
        var probabilities = Softmax(network.Lower(networks.Prior, x), axis: 1);

        // The first segment whose cumulative probability exceeds u; rounding may leave the last one below 1.
        var passed = Where(GreaterOrEqual(u, Slice(CumSum(probabilities, 1), 1, 0, Grid.Codes - 1)), 1f, 0f);
        var segments = ReduceSum(passed, [1], keepDimensions: true);
        var chosen = Reshape(OneHot(Cast(segments, ElementType.Int64), Grid.Codes, axis: 1), [Shape.Batch, Grid.Codes, Grid.Height, Grid.Width]);
        var (mean, logSigma) = Colors(network, x, chosen);
        yield return new Deployable(
            ExportedKinds.Colorizer, [x, u, eps],
            [("image", Clip(Chroma.Join(x, mean + (Exp(logSigma) * eps)), 0, 1)), ("segments", segments), ("probabilities", probabilities)]);
    }

    private Value LogPosterior(ModuleLowering network, Value x, Value y, Value logPrior, Value? distortions) => LogSoftmax(
        networks.Posterior is { } posterior ? network.Lower(posterior, Concat(1, x, y)) : logPrior - distortions!, axis: 1);

    // From cells to pixels.
    private Interpolation Repeated(int cells) => new(InterpolationMethod.Nearest, PixelGrid.Corner, cells, cells * networks.Stride);

    private static ElboTerms Terms(Value logPosterior, Value logPrior, Value distortion)
    {
        var rates = ReduceSum(Exp(logPosterior) * (logPosterior - logPrior), [1]); // [N, h, w]
        var latentRates = Reshape(rates, [rates.Shape[0], rates.Shape[1] * rates.Shape[2]]);
        var rate = SumPerRow(latentRates);
        return new ElboTerms(distortion, rate, latentRates, -(distortion + rate));
    }

    // [N, K, h, w], nearly or exactly one-hot.
    private Value Sample(Value logPosterior, Value uniform)
    {
        var relaxed = Softmax((logPosterior + Gumbel(uniform)) * (float)(1 / temperature), axis: 1);
        return inference == SegmentInference.GumbelSoftmax ? relaxed : StraightThrough(Hard(relaxed), relaxed);
    }

    private static Value Gumbel(Value uniform) => -Log(-Log(Clip(uniform, SmallestUniform, 1 - SmallestUniform)));

    private Value Hard(Value scores) => OneHot(ArgMax(scores, axis: 1), Grid.Codes, axis: 1);

    // -ln P(y_i|z_i = k, x) for every cell i and segment k, [N, K, h, w].
    private Value Distortions(ModuleLowering network, Value x, Value y)
    {
        var colors = network.Lower(networks.Decoder, x);
        var perSegment = Reshape(colors, [colors.Shape[0], Grid.Codes, 2 * Chroma.Channels, colors.Shape[2], colors.Shape[3]]);
        var (mean, logSigma) = Parameters(perSegment, axis: 2);
        var density = NegativeLogDensity(Reshape(y, [y.Shape[0], 1, .. y.Shape.Skip(1)]), mean, logSigma); // [N, K, 2, H, W]
        var perPixel = ReduceSum(density, [2]);
        return networks.Stride == 1 ? perPixel
            : networks.Stride * networks.Stride * AveragePool(perPixel, ConvolutionGeometry.Tiles(perPixel.Shape, [networks.Stride, networks.Stride]));
    }

    // -ln P(y|z,x) for given segments, [N].
    private Value Distortion(ModuleLowering network, Value x, Value y, Value segments)
    {
        var (mean, logSigma) = Colors(network, x, segments);
        return SumPerRow(NegativeLogDensity(y, mean, logSigma));
    }

    // Means and logarithms of standard deviations of all pixels, given segments [N, K, h, w].
    private (Value Mean, Value LogSigma) Colors(ModuleLowering network, Value x, Value segments)
    {
        var all = networks.Stride == 1 ? segments : Resize(segments, Repeated(Grid.Height), Repeated(Grid.Width));
        if (!IsFactorized)
        {
            return Parameters(network.Lower(networks.Decoder, Concat(1, x, all)), axis: 1);
        }

        var colors = network.Lower(networks.Decoder, x);
        var perSegment = Reshape(colors, [colors.Shape[0], Grid.Codes, 2 * Chroma.Channels, colors.Shape[2], colors.Shape[3]]);
        var weights = Reshape(all, [all.Shape[0], Grid.Codes, 1, all.Shape[2], all.Shape[3]]);
        return Parameters(ReduceSum(weights * perSegment, [1]), axis: 1);
    }

    private static (Value Mean, Value LogSigma) Parameters(Value colors, int axis)
    {
        var (mean, s) = Split2(colors, axis);
        return (mean, Softplus(s - LogSigmaFloor) + LogSigmaFloor);
    }

    private static Value NegativeLogDensity(Value y, Value mean, Value logSigma) =>
        (0.5f * Square((y - mean) * Exp(-logSigma))) + logSigma + GaussianPosterior.HalfLogTwoPi;
}
