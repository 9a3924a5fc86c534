using System.Text.Json.Nodes;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Models.Objectives;
using TorchSharp;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>Compiles an autoencoder: it says what the model sees of 8-bit pixels, and what its likelihood makes of them.</summary>
public abstract class AutoencoderCompiler : ModelCompiler
{
    private readonly AutoencoderTrainingOptions options;

    /// <exception cref="ArgumentOutOfRangeException">The batch is empty.</exception>
    private protected AutoencoderCompiler(torch.nn.Module network, ImageShape image, AutoencoderTrainingOptions options)
        : base(network, image, options) => this.options = options;

    private protected Likelihood Likelihood => options.Likelihood;

    /// <inheritdoc/>
    private protected override IReadOnlyList<State> States => [.. base.States, .. Likelihood.States];

    /// <inheritdoc/>
    private protected override IReadOnlyList<Metric> StateMetrics => Likelihood.Sigma is { } sigma ? [new Metric("sigma", MetricRole.Scalar, sigma)] : [];

    /// <summary>8-bit pixels as the model sees them, with the noise that may be needed for it.</summary>
    private protected (ProgramInput Images, ProgramInput Dither, Value Y) Images()
    {
        var (images, grey) = ImageBatch();
        var dither = ProgramInput.DataUniform("dither", BatchShape);
        var y = options.Pixels switch
        {
            PixelPreparation.Threshold => Binary(grey, 0.5f),
            PixelPreparation.Sampled => Binary(grey, dither.Value),
            _ => grey,
        };
        return (images, dither, y);
    }

    /// <summary>The input of an encoder, [N, C, H, W] in [0, 1], and what the model sees of it.</summary>
    private protected (Value Input, Value Y) EncoderInput()
    {
        var input = Value.Input("image", ElementType.Float32, BatchShape.With(0, Shape.Batch));
        return (input, options.Pixels == PixelPreparation.Grey ? input : Binary(input, 0.5f));
    }

    private protected OnnxModel Deployable(
        string kind, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs, int latents, params IReadOnlyList<(string Key, string Value)> metadata) =>
        Deployable(kind, inputs, outputs, [("onnxvae.latentSize", $"{latents}"), ("onnxvae.objective", ObjectiveText), .. metadata]);

    /// <inheritdoc/>
    private protected override JsonObject Describe()
    {
        var description = base.Describe();
        description["likelihood"] = Likelihood.Name;
        description["pixels"] = $"UInt8, divided by 255 in the graph{(options.Pixels == PixelPreparation.Grey ? "" : $", then made 0 or 1: {options.Pixels}")}";
        return description;
    }

    /// <summary>For each row of a batch, what the row before it has; for the first, what the last one has.</summary>
    private protected Value OfRowBefore(Value x) => Concat(0, Slice(x, 0, options.BatchSize - 1, options.BatchSize), Slice(x, 0, 0, options.BatchSize - 1));

    // 1 with the probability of the pixel where the threshold is uniform; pixels above one half where it is that.
    private static Value Binary(Value pixels, Value threshold) => Where(Greater(pixels, threshold), 1f, 0f);
}
