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

/// <summary>How a VAE is trained.</summary>
/// <param name="BatchSize">Images per step.</param>
/// <param name="Likelihood">P(y|z).</param>
/// <param name="Beta">Weight of the rate; 1 for the ELBO. Higgins et al. 2017.</param>
/// <param name="Optimizer">How the parameters change.</param>
public sealed record VaeTrainingOptions(int BatchSize, Likelihood Likelihood, Schedule Beta, Optimizer Optimizer)
{
    /// <summary>The largest length of all gradients together; null for no limit.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>Decay of the parameters' moving average, which is then what is evaluated and exported; null for none.</summary>
    public double? WeightAveraging { get; init; }
}

/// <summary>
/// Compiles a VAE with Gaussian posterior: the training step, the evaluation of a batch, and the graphs to be deployed.
/// </summary>
/// <remarks>
/// The objective is the (beta-)ELBO: loss = E [-ln P(y|z)] + beta KL(Q(z|y) || P(z)), averaged over images, in nats.
/// </remarks>
public sealed class VaeCompiler
{
    private readonly GaussianVae vae;
    private readonly VaeTrainingOptions options;
    private readonly ModuleLowering lowering;
    private readonly WeightAveraging? averaging;

    /// <summary>Takes a network, with its weights as they are, and the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The batch is empty.</exception>
    public VaeCompiler(GaussianVae vae, VaeTrainingOptions options)
    {
        if (options.BatchSize < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The batch size is {options.BatchSize}; a batch has at least 1 image.");
        }

        (this.vae, this.options) = (vae, options);
        lowering = new ModuleLowering(vae);
        averaging = options.WeightAveraging is { } decay ? new WeightAveraging(lowering.Parameters, decay) : null;
    }

    // What is evaluated and exported: the averaged weights where there are such.
    private ModuleLowering Evaluated => averaging is null ? lowering : lowering.Reading(averaging.Averages);

    private IReadOnlyList<State> EvaluatedStates => [.. lowering.States, .. averaging?.Averages.Values ?? [], .. Likelihood.States];

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

        return TrainingPackage.Write(
            folder, model, Step(), Evaluate(), new Dictionary<string, OnnxModel> { ["encoder"] = Encoder(), ["decoder"] = Decoder() }, target);
    }

    /// <summary>The training step: forward pass, gradients, optimizer.</summary>
    public Program Step()
    {
        var training = lowering.ForTraining();
        var (images, noise, y, posterior, output) = Forward(training);
        var beta = ProgramInput.Scheduled("beta", options.Beta);

        var term = Likelihood.TrainingDistortion(y, output);
        var (distortion, rate) = (term.PerImage, posterior.Rate());
        var loss = Mean(distortion + (beta.Value * rate));

        return new TrainingStep(loss, lowering.States, options.Optimizer)
        {
            Inputs = [images, noise, beta, .. term.Inputs, .. training.Noise],
            Updates = [.. term.Updates, .. training.Updates],
            MaxGradientNorm = options.MaxGradientNorm,
            Averaging = averaging,
            Metrics =
            [
                new("distortion", MetricRole.Scalar, Mean(distortion)),
                new("rate", MetricRole.Scalar, Mean(rate)),
                .. SigmaMetric(),
            ],
        }.ToProgram();
    }

    /// <summary>The evaluation of one batch: everything per image, so that averages over any number of images are exact.</summary>
    public Program Evaluate()
    {
        var (images, noise, y, posterior, output) = Forward(Evaluated);
        var (distortion, rate) = (Likelihood.Distortion(y, output), posterior.Rate());
        return new Program("evaluate", [images, noise], EvaluatedStates, [],
        [
            new("negativeElbo", MetricRole.PerRow, distortion + rate),
            new("distortion", MetricRole.PerRow, distortion),
            new("rate", MetricRole.PerRow, rate),
            new("logWeight", MetricRole.LogImportanceWeight, posterior.LogPriorRatio(noise.Value) - distortion),
            new("mean", MetricRole.PosteriorMean, posterior.Mean),
            new("logVar", MetricRole.PosteriorLogVariance, posterior.LogVar),
            .. SigmaMetric(),
        ]);
    }

    /// <summary>The encoder without weights: images [N, C, H, W] in [0, 1] to <c>mean</c> and <c>logVar</c>, [N, L].</summary>
    public OnnxModel Encoder()
    {
        var image = Value.Input("image", ElementType.Float32, BatchShape.With(0, Shape.Batch));
        var posterior = GaussianPosterior.From(Evaluated.Lower(vae.Encoder, image));
        return Deployable("encoder", image, [("mean", posterior.Mean), ("logVar", posterior.LogVar)]);
    }

    /// <summary>The decoder without weights: latents [N, L] to <c>image</c>, [N, C, H, W] in [0, 1].</summary>
    public OnnxModel Decoder()
    {
        var z = Value.Input("z", ElementType.Float32, [Shape.Batch, vae.Latents]);
        return Deployable("decoder", z, [("image", Likelihood.Mean(Evaluated.Lower(vae.Decoder, z)))]);
    }

    // y -> Q(z|y) -> z = mean + sigma eps -> the likelihood's parameters.
    private (ProgramInput Images, ProgramInput Noise, Value Y, GaussianPosterior Posterior, Value Output) Forward(ModuleLowering lowering)
    {
        var images = ProgramInput.Data("images", ElementType.UInt8, BatchShape);
        var noise = ProgramInput.StandardNormal("eps", [options.BatchSize, vae.Latents]);
        var y = Cast(images.Value, ElementType.Float32) * (1f / 255f);
        var posterior = GaussianPosterior.From(lowering.Lower(vae.Encoder, y));
        var output = lowering.Lower(vae.Decoder, posterior.Sample(noise.Value));
        return (images, noise, y, posterior, output);
    }

    private IEnumerable<Metric> SigmaMetric() => Likelihood.Sigma is { } sigma ? [new Metric("sigma", MetricRole.Scalar, sigma)] : [];

    private OnnxModel Deployable(string kind, Value input, IReadOnlyList<(string, Value)> outputs) => OnnxModelWriter
        .Build(kind, [input, .. EvaluatedStates.Select(state => state.Current)], outputs)
        .WithMetadata(new Dictionary<string, string>
        {
            ["onnxvae.kind"] = kind,
            ["onnxvae.latentSize"] = $"{vae.Latents}",
            ["onnxvae.imageShape"] = $"{vae.Image.Channels},{vae.Image.Height},{vae.Image.Width}",
            ["onnxvae.pixelRange"] = "0,1",
            ["onnxvae.objective"] = Objective,
            ["onnxvae.version"] = typeof(VaeCompiler).Assembly.GetName().Version!.ToString(3),
        });

    private string Objective => $"E[-ln P(y|z)] + beta KL(Q(z|y) || N(0, I)), P = {Likelihood.Name}";

    private JsonObject Describe() => new()
    {
        ["objective"] = Objective,
        ["likelihood"] = Likelihood.Name,
        ["latents"] = vae.Latents,
        ["imageShape"] = new JsonArray(vae.Image.Channels, vae.Image.Height, vae.Image.Width),
        ["pixels"] = "UInt8, divided by 255 in the graph",
        ["batchSize"] = options.BatchSize,
        ["parameters"] = lowering.Parameters.Sum(parameter => parameter.Spec.Shape.ElementCount),
        ["optimizer"] = options.Optimizer.Name,
        ["maxGradientNorm"] = options.MaxGradientNorm,
        ["weightAveraging"] = options.WeightAveraging,
        ["beta"] = JsonSerializer.SerializeToNode(options.Beta, Manifest.JsonOptions),
        ["learningRate"] = JsonSerializer.SerializeToNode(options.Optimizer.LearningRate.Spec.Schedule, Manifest.JsonOptions),
    };
}
