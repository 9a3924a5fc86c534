using System.Text.Json.Nodes;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Quantization;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>
/// Compiles an autoencoder with codes. It minimises the distortion and, weighted like half the squared error of an image with pixels of
/// standard deviation 1, what keeps vectors and codebooks together: E[-ln P(y|z) + d/2 sum over levels of the quantizers' losses].
/// </summary>
/// <remarks>
/// The weight makes it the published objective times d/2 where sigma^2 is the variance of the data: mean squared error / variance + beta
/// mean of |z - sg(e)|^2. The latents that are exported are the codes, top level first, row by row, as whole numbers.
/// </remarks>
public sealed class VqVaeCompiler : AutoencoderCompiler
{
    // The posterior knows its code for sure; draws from it, rounded by the decoder, are that code.
    private const float LogVarianceOfCodes = -30f;

    private readonly VqVae vae;
    private readonly VqVaeTrainingOptions options;
    private readonly Level? top;
    private readonly Level bottom;

    /// <summary>Takes networks, with their weights as they are, and the options.</summary>
    /// <exception cref="ArgumentException">The batch is empty, or the quantizers do not fit the networks.</exception>
    public VqVaeCompiler(VqVae vae, VqVaeTrainingOptions options)
        : base(vae, vae.Image, options)
    {
        if (vae.Top is null != options.Top is null)
        {
            throw new ArgumentException($"The networks have {(vae.Top is null ? "one level" : "two levels")}, but there is {(options.Top is null ? "one quantizer" : "one for a top level")}.");
        }

        if (options.Bottom.Dimension != vae.Dimension || (options.Top ?? options.Bottom).Dimension != vae.Dimension)
        {
            throw new ArgumentException($"The networks give vectors of {vae.Dimension} numbers; the quantizers must take as many.");
        }

        (this.vae, this.options) = (vae, options);
        top = options.Top is { } quantizer ? new Level("Top", quantizer, vae.TopGrid.Height, vae.TopGrid.Width) : null;
        bottom = new Level("Bottom", options.Bottom, vae.BottomGrid.Height, vae.BottomGrid.Width);
    }

    private IReadOnlyList<Level> Levels => top is null ? [bottom] : [top, bottom];

    private int Latents => Levels.Sum(level => level.Positions);

    // What the codes take if all are equally likely: positions * ln K, nats per image.
    private double RateBound => Levels.Sum(level => level.Positions * Math.Log(level.Quantizer.Codes));

    /// <inheritdoc/>
    public override Program Step()
    {
        var training = Lowering.ForTraining();
        var (images, dither, y) = Images();
        var quantizations = new List<QuantizedVectors>();
        var output = Decode(training, Encode(training, y, (level, z) =>
        {
            var quantization = level.Quantizer.Quantize(z);
            quantizations.Add(quantization);
            return quantization.Vectors;
        }));
        var likelihood = Likelihood.TrainingDistortion(y, output);
        var (distortion, loss) = (Mean(likelihood.PerImage), Mean(quantizations.Select(quantization => quantization.Loss).Aggregate(Add)));

        return TrainingProgram(
            distortion + (0.5f * vae.Image.Dimensions * loss),
            [images, dither, .. quantizations.SelectMany(quantization => quantization.Inputs), .. likelihood.Inputs, .. training.Noise],
            [.. likelihood.Updates, .. quantizations.SelectMany(quantization => quantization.Updates), .. training.Updates],
            [
                new("distortion", MetricRole.Scalar, distortion),
                new("quantization", MetricRole.Scalar, loss),
                .. Levels.Zip(quantizations, (level, quantization) => new Metric(
                    $"perplexity{level.Name}", MetricRole.Scalar, CodeCounts.Perplexity(quantization.Codes, level.Quantizer.Codes))),
            ],
            [.. quantizations.SelectMany(quantization => quantization.Revisions)]);
    }

    /// <inheritdoc/>
    public override Program Evaluate()
    {
        var (images, dither, y) = Images();
        var codes = new List<Value>();
        var vectors = Encode(Lowering, y, (level, z) =>
        {
            codes.Add(level.Quantizer.Encode(z));
            return level.Quantizer.Decode(codes[^1]);
        });
        var output = Decode(Lowering, vectors);
        var distortion = Likelihood.Distortion(y, output);
        var rate = (0f * distortion) + (float)RateBound;
        return EvaluationProgram(
            [images, dither],
            [
                new("distortion", MetricRole.PerRow, distortion),
                new("rate", MetricRole.PerRow, rate),
                .. Likelihood.IsNormalized ? [new Metric("negativeElbo", MetricRole.PerRow, distortion + rate)] : Array.Empty<Metric>(),
                new("meanSquaredError", MetricRole.PerRow, SquaredError(y, output)),
                .. options.BatchSize == 1 ? [] : (Metric[])[new("distortionExchanged", MetricRole.PerRowExchanged, Likelihood.Distortion(y, Decode(Lowering, [.. vectors.Select(OfRowBefore)])))],
                .. top is null || options.BatchSize == 1 ? [] : (Metric[])[new("meanSquaredErrorTopExchanged", MetricRole.PerRowExchanged, SquaredError(y, Decode(Lowering, [OfRowBefore(vectors[0]), vectors[1]])))],
                .. Levels.Zip(codes, (level, of) => new Metric($"codes{level.Name}", MetricRole.CodeCounts, CodeCounts.PerImage(of, level.Quantizer.Codes))),
            ]);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, OnnxModel> Deployables() =>
        new Dictionary<string, OnnxModel> { ["encoder"] = Encoder(), ["decoder"] = Decoder(), ["prior"] = Prior() };

    /// <summary>The encoder without weights: images [N, C, H, W] in [0, 1] to <c>mean</c>, the codes as whole numbers, Float32 [N, L], and <c>logVar</c>, all as good as minus infinity.</summary>
    public OnnxModel Encoder()
    {
        var (image, y) = EncoderInput();
        var codes = new List<Value>();
        Encode(Lowering, y, (level, z) =>
        {
            codes.Add(level.Quantizer.Encode(z));
            return level.Quantizer.Decode(codes[^1]);
        });
        var mean = Concat(1, [.. codes.Zip(Levels, (of, level) => Reshape(Cast(of, ElementType.Float32), [Shape.Batch, level.Positions]))]);
        return Deployable("encoder", [image], [("mean", mean), ("logVar", (0f * mean) + LogVarianceOfCodes)]);
    }

    /// <summary>The decoder without weights: codes, Float32 [N, L], to <c>image</c>, [N, C, H, W] in [0, 1]. What is no code becomes the nearest one.</summary>
    public OnnxModel Decoder()
    {
        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, Latents]);
        var vectors = new List<Value>();
        long first = 0;
        foreach (var level in Levels)
        {
            var ofLevel = Slice(z, 1, first, first += level.Positions);
            var codes = Cast(Clip(Round(ofLevel), 0, level.Quantizer.Codes - 1), ElementType.Int64);
            vectors.Add(level.Quantizer.Decode(Reshape(codes, [Shape.Batch, level.Height, level.Width])));
        }

        return Deployable("decoder", [z], [("image", Likelihood.Image(Decode(Lowering, vectors)))]);
    }

    /// <summary>The prior under which the rate is a bound: all codes equally likely.</summary>
    public OnnxModel Prior()
    {
        var u = Value.Input("u", ElementType.Float32, [Shape.Batch, Latents]);
        float[] codes = [.. Levels.SelectMany(level => Enumerable.Repeat((float)level.Quantizer.Codes, level.Positions))];
        return Deployable("prior", [u], [("z", Floor(u * Value.Of<float>([Latents], codes)))]);
    }

    private protected override IReadOnlyList<State> States => [.. base.States, .. options.Bottom.States, .. options.Top?.States ?? []];

    private protected override string ObjectiveText =>
        $"E[-ln P(y|z)] + d/2 E[|z - sg(e)|^2], P(y|z) = {Likelihood.Name}, z in {string.Join(" and ", Levels.Select(level => $"{level.Positions} of {level.Quantizer.Codes} codes"))}";

    private protected override JsonObject Describe()
    {
        var description = base.Describe();
        description["latents"] = Latents;
        description["quantizer"] = options.Bottom.Name;
        foreach (var level in Levels)
        {
            description[$"grid{level.Name}"] = $"{level.Height} x {level.Width} of {level.Quantizer.Codes} codes";
        }

        description["rateBound"] = RateBound;
        return description;
    }

    private OnnxModel Deployable(string kind, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs) => Deployable(
        kind, inputs, outputs, Latents,
        ("onnxvae.codes", string.Join(',', Levels.Select(level => $"{level.Quantizer.Codes}:{level.Height}x{level.Width}"))));

    // Images to the levels' quantized vectors: the top level's first, which the bottom level then knows.
    private IReadOnlyList<Value> Encode(ModuleLowering lowering, Value y, Func<Level, Value, Value> quantize)
    {
        var features = lowering.Lower(vae.EncoderBottom, y);
        if (vae.Top is not { } network)
        {
            return [quantize(bottom, lowering.Lower(vae.VectorsBottom, features))];
        }

        var topVectors = quantize(top!, lowering.Lower(network.Vectors, lowering.Lower(network.Encoder, features)));
        var told = lowering.Lower(network.Decoder, topVectors);
        return [topVectors, quantize(bottom, lowering.Lower(vae.VectorsBottom, Concat(1, told, features)))];
    }

    private Value Decode(ModuleLowering lowering, IReadOnlyList<Value> vectors) => lowering.Lower(
        vae.Decoder, vae.Top is { } network ? Concat(1, lowering.Lower(network.Upsampling, vectors[0]), vectors[1]) : vectors[0]);

    // Per value of an image.
    private Value SquaredError(Value y, Value output) => SumPerRow(Square(y - Likelihood.Mean(output))) * (1f / vae.Image.Dimensions);

    private sealed record Level(string Name, Quantizer Quantizer, int Height, int Width)
    {
        public int Positions => Height * Width;
    }
}
