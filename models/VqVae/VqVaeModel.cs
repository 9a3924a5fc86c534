using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using OnnxVae.Models.Quantization;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.VqVae;

/// <summary>
/// An autoencoder with codes. It minimizes the distortion (reconstruction loss) and, weighted like half the squared error of an image with pixels of
/// standard deviation 1, the losses that keep vectors and codebooks together: E[-ln P(y|z) + d/2 sum over levels of the quantizers' losses].
/// </summary>
/// <remarks>
/// With this weight it is the published objective times d/2 if sigma^2 is the variance of the data: mean squared error / variance + beta
/// mean of |z - sg(e)|^2. The latents that are exported are the codes, top level first, row by row, as whole numbers.
/// </remarks>
public sealed class VqVaeModel : IModel
{
    // The posterior is certain of its code; draws from it, rounded by the decoder, are that code.
    private const float LogVarianceOfCodes = -30f;

    private readonly VqVaeNetworks networks;
    private readonly Likelihood likelihood;
    private readonly Level? top;
    private readonly Level bottom;

    /// <summary>Builds an autoencoder with codes.</summary>
    /// <param name="networks">Its networks.</param>
    /// <param name="likelihood">P(y|z).</param>
    /// <param name="bottom">Quantizes the bottom level.</param>
    /// <param name="top">Quantizes the top level; null for a model with one level.</param>
    /// <param name="pixels">How pixels are prepared for the model.</param>
    /// <param name="scaling">How real numbers are scaled; null for 8-bit pixels.</param>
    /// <param name="isChannelsLast">Whether the arrays that the examples come from have their channels last, which exported files tell.</param>
    /// <exception cref="ArgumentException">The quantizers do not fit the networks, or the likelihood does not fit the values.</exception>
    public VqVaeModel(VqVaeNetworks networks, Likelihood likelihood, Quantizer bottom, Quantizer? top = null, PixelPreparation pixels = PixelPreparation.Grey, Scaling? scaling = null, bool isChannelsLast = false)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(likelihood);
        ArgumentNullException.ThrowIfNull(bottom);
        if (networks.Top is null != top is null)
        {
            throw new ArgumentException($"The networks have {(networks.Top is null ? "one level" : "two levels")}, but there is {(top is null ? "one quantizer" : "one for a top level")}.", nameof(top));
        }

        if (bottom.Dimension != networks.Dimension || (top ?? bottom).Dimension != networks.Dimension)
        {
            throw new ArgumentException($"The networks output vectors of dimension {networks.Dimension}; the quantizers must have the same dimension.", nameof(bottom));
        }

        (this.networks, this.likelihood) = (networks, likelihood);
        this.top = top is null ? null : new Level("Top", top, networks.TopGrid.Height, networks.TopGrid.Width);
        this.bottom = new Level("Bottom", bottom, networks.BottomGrid.Height, networks.BottomGrid.Width);
        Example = new Example(networks.Image) { Pixels = pixels, Scaling = scaling, IsChannelsLast = isChannelsLast };
        Example.RequireFit(likelihood);
    }

    /// <inheritdoc/>
    public Example Example { get; }

    /// <inheritdoc/>
    public Latents Latents => Latents.Codes([.. Levels.Select(level => level.Grid)]);

    /// <inheritdoc/>
    public torch.nn.Module Network => networks;

    /// <inheritdoc/>
    public IReadOnlyList<State> States => [.. likelihood.States, .. bottom.Quantizer.States, .. top?.Quantizer.States ?? []];

    /// <inheritdoc/>
    public IReadOnlyList<Metric> StateMetrics => likelihood.StateMetrics;

    /// <inheritdoc/>
    public string Objective =>
        $"E[-ln P(y|z)] + d/2 E[|z - sg(e)|^2], P(y|z) = {likelihood.Name}, z in {string.Join(" and ", Levels.Select(level => $"{level.Grid.Positions} of {level.Grid.Codes} codes"))}";

    /// <inheritdoc/>
    public JsonObject Description
    {
        get
        {
            var description = new JsonObject { ["network"] = top is null ? "vqvae" : "vqvae2", ["likelihood"] = likelihood.Name, ["pixels"] = Example.DescribePixels(), ["quantizer"] = bottom.Quantizer.Name };
            foreach (var level in Levels)
            {
                description[$"grid{level.Name}"] = $"{level.Grid.Height} x {level.Grid.Width} of {level.Grid.Codes} codes";
            }

            description["rateBound"] = RateBound;
            return description;
        }
    }

    private IReadOnlyList<Level> Levels => top is null ? [bottom] : [top, bottom];

    // The rate of the codes (the KL term) if all are equally likely: positions * ln K, nats per image.
    private double RateBound => Levels.Sum(level => level.Grid.Positions * Math.Log(level.Grid.Codes));

    /// <inheritdoc/>
    public IReadOnlyList<ParameterPattern> PatternsOf(string name) => name switch
    {
        "encoder" => [new("encoder*"), new("vectors*")],
        "decoder" => [new("decoder*"), new("upsampling*")],
        _ => [new(name)],
    };

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var quantizations = new List<QuantizedVectors>();
        var output = Decode(network, Encode(network, batch.Seen, (level, z) =>
        {
            var quantization = level.Quantizer.Quantize(z);
            quantizations.Add(quantization);
            return quantization.Vectors;
        }));
        var trained = likelihood.TrainingDistortion(batch.Seen, output);
        var (distortion, loss) = (Mean(Example.Distortion(likelihood, trained.PerImage)), Mean(quantizations.Select(quantization => quantization.Loss).Aggregate(Add)));
        return new TrainingGraph(
            distortion + (0.5f * networks.Image.Dimensions * loss),
            [batch.Images, batch.Binarization, .. quantizations.SelectMany(quantization => quantization.Inputs), .. trained.Inputs])
        {
            Updates = [.. trained.Updates, .. quantizations.SelectMany(quantization => quantization.Updates)],
            Revisions = [.. quantizations.SelectMany(quantization => quantization.Revisions)],
            Metrics =
            [
                new("distortion", MetricRole.Scalar, distortion),
                new("quantization", MetricRole.Scalar, loss),
                .. Levels.Zip(quantizations, (level, quantization) => new Metric(
                    $"perplexity{level.Name}", MetricRole.Scalar, CodeCounts.Perplexity(quantization.Codes, level.Grid.Codes))),
            ],
        };
    }

    /// <inheritdoc/>
    public EvaluationGraph Evaluate(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var y = batch.Seen;
        var (codes, vectors) = EncodeToCodes(network, y);
        var output = Decode(network, vectors);
        var distortion = Distortion(y, output);
        var rate = (0f * distortion) + (float)RateBound;
        return new EvaluationGraph(
            [batch.Images, batch.Binarization],
            [
                new("distortion", MetricRole.PerRow, distortion),
                new("rate", MetricRole.PerRow, rate),
                .. likelihood.IsNormalized ? [new Metric("negativeElbo", MetricRole.PerRow, distortion + rate)] : Array.Empty<Metric>(),
                new("meanSquaredError", MetricRole.PerRow, MeanSquaredError(y, output)),
                .. batchSize == 1 ? [] : (Metric[])[new("distortionExchanged", MetricRole.PerRowExchanged, Distortion(y, Decode(network, [.. vectors.Select(RowBefore.Of)])))],
                .. top is null || batchSize == 1 ? [] : (Metric[])[new("meanSquaredErrorTopExchanged", MetricRole.PerRowExchanged, MeanSquaredError(y, Decode(network, [RowBefore.Of(vectors[0]), vectors[1]])))],
                .. Levels.Zip(codes, (level, of) => new Metric($"codes{level.Name}", MetricRole.CodeCounts, CodeCounts.PerImage(of, level.Grid.Codes))),
            ]);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// <c>encoder</c>: images [N, C, H, W], in [0, 1] or in the data's units, to <c>mean</c>, the codes as whole numbers, Float32 [N, L], and <c>logVar</c>, effectively minus
    /// infinity. <c>decoder</c>: codes, Float32 [N, L], to <c>image</c>, [N, C, H, W] likewise; other values become the nearest code. <c>prior</c>,
    /// under which the rate is a bound: all codes equally likely. <c>scorer</c>: images to scores, [N] each, and a map of the distortion, [N, C, H, W].
    /// </remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network)
    {
        var (image, y) = Example.Deployed();
        var (codes, vectors) = EncodeToCodes(network, y);
        var mean = Concat(1, [.. codes.Zip(Levels, (of, level) => Reshape(Cast(of, ElementType.Float32), [Shape.Batch, level.Grid.Positions]))]);
        yield return new Deployable(ExportedKinds.Encoder, [image], [("mean", mean), ("logVar", (0f * mean) + LogVarianceOfCodes)]);

        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, Latents.Size]);
        yield return new Deployable(ExportedKinds.Decoder, [z], [("image", Example.Output(likelihood, Decode(network, VectorsOf(z))))]);

        var u = Value.Input("u", ElementType.Float32, [Shape.Batch, Latents.Size]);
        float[] counts = [.. Levels.SelectMany(level => Enumerable.Repeat((float)level.Grid.Codes, level.Grid.Positions))];
        yield return new Deployable(ExportedKinds.Prior, [u], [("z", Floor(u * Value.Of<float>([Latents.Size], counts)))]);

        var output = Decode(network, vectors);
        var distortion = Distortion(y, output);
        var scores = new ScoreTerms(distortion, (0f * distortion) + (float)RateBound, Example.SquaredError(y - likelihood.Mean(output)))
        {
            IsNormalized = likelihood.IsNormalized,
            ValueDistortions = Example.ValueDistortions(likelihood, y, output),
        };
        yield return scores.Scorer([image], samples: 1, []);
    }

    // Latents, Float32 [N, L], to the levels' vectors.
    private List<Value> VectorsOf(Value z)
    {
        var vectors = new List<Value>();
        long first = 0;
        foreach (var level in Levels)
        {
            var ofLevel = Slice(z, 1, first, first += level.Grid.Positions);
            var codes = Cast(Clip(ofLevel + 0.5f, 0, level.Grid.Codes - 0.5f), ElementType.Int64); // which rounds down
            vectors.Add(level.Quantizer.Decode(Reshape(codes, [Shape.Batch, level.Grid.Height, level.Grid.Width])));
        }

        return vectors;
    }

    private (IReadOnlyList<Value> Codes, IReadOnlyList<Value> Vectors) EncodeToCodes(ModuleLowering network, Value y)
    {
        var codes = new List<Value>();
        var vectors = Encode(network, y, (level, z) =>
        {
            codes.Add(level.Quantizer.Encode(z));
            return level.Quantizer.Decode(codes[^1]);
        });
        return (codes, vectors);
    }

    // Images to the levels' quantized vectors: the top level's first, which the bottom level then sees.
    private IReadOnlyList<Value> Encode(ModuleLowering network, Value y, Func<Level, Value, Value> quantize)
    {
        var features = network.Lower(networks.EncoderBottom, y);
        if (networks.Top is not { } level)
        {
            return [quantize(bottom, network.Lower(networks.VectorsBottom, features))];
        }

        var topVectors = quantize(top!, network.Lower(level.Vectors, network.Lower(level.Encoder, features)));
        var fromTop = network.Lower(level.Decoder, topVectors);
        return [topVectors, quantize(bottom, network.Lower(networks.VectorsBottom, Concat(1, fromTop, features)))];
    }

    private Value Decode(ModuleLowering network, IReadOnlyList<Value> vectors) => network.Lower(
        networks.Decoder, networks.Top is { } level ? Concat(1, network.Lower(level.Upsampling, vectors[0]), vectors[1]) : vectors[0]);

    private Value Distortion(Value y, Value output) => Example.Distortion(likelihood, likelihood.Distortion(y, output));

    // Per value of an image.
    private Value MeanSquaredError(Value y, Value output) => Example.SquaredError(y - likelihood.Mean(output)) * (1f / networks.Image.Dimensions);

    private sealed record Level(string Name, Quantizer Quantizer, int Height, int Width)
    {
        public CodeGridShape Grid { get; } = new(Quantizer.Codes, Height, Width);
    }
}
