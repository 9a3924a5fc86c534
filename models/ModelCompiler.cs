using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using TorchSharp;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>Compiles a model: the training step, the evaluation of a batch, and the graphs to be deployed.</summary>
public abstract class ModelCompiler
{
    private readonly ModelTrainingOptions options;
    private readonly ImageShape image;
    private readonly Lazy<WeightAveraging?> averaging;

    /// <exception cref="ArgumentOutOfRangeException">The batch is empty.</exception>
    private protected ModelCompiler(torch.nn.Module network, ImageShape image, ModelTrainingOptions options)
    {
        if (options.BatchSize < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The batch size is {options.BatchSize}; a batch has at least 1 image.");
        }

        (this.options, this.image) = (options, image);
        Lowering = new ModuleLowering(network);
        averaging = new Lazy<WeightAveraging?>(() => options.WeightAveraging is { } decay ? new WeightAveraging(States, decay) : null);
    }

    /// <summary>The training step: forward pass, gradients, optimizer.</summary>
    public abstract Program Step();

    /// <summary>The evaluation of one batch: everything per image, so that averages over any number of images are exact.</summary>
    public abstract Program Evaluate();

    /// <summary>The graphs to be deployed, without weights, by their roles: <c>encoder</c>, <c>decoder</c>, ...</summary>
    public abstract IReadOnlyDictionary<string, OnnxModel> Deployables();

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

        return TrainingPackage.Write(folder, model, Step(), Evaluate(), Deployables(), target);
    }

    private protected ModuleLowering Lowering { get; }

    /// <summary>Everything that is kept from step to step, except for the optimizer's memory.</summary>
    private protected virtual IReadOnlyList<State> States => Lowering.States;

    /// <summary>The scalars that the objective takes at every step.</summary>
    private protected virtual IReadOnlyList<ProgramInput> Schedules => [];

    /// <summary>What both programs report of the states.</summary>
    private protected virtual IReadOnlyList<Metric> StateMetrics => [];

    /// <summary>What is minimised, in words.</summary>
    private protected abstract string ObjectiveText { get; }

    private protected Shape BatchShape => [options.BatchSize, image.Channels, image.Height, image.Width];

    /// <summary>A batch of 8-bit pixels, and the same as numbers in [0, 1].</summary>
    private protected (ProgramInput Images, Value Grey) ImageBatch()
    {
        var images = ProgramInput.Data("images", ElementType.UInt8, BatchShape);
        return (images, Cast(images.Value, ElementType.Float32) * (1f / 255f));
    }

    /// <summary>The classes of a batch, Int64 [N].</summary>
    private protected ProgramInput LabelBatch() => ProgramInput.Data("labels", ElementType.Int64, [options.BatchSize]);

    private protected Program TrainingProgram(
        Value loss, IReadOnlyList<ProgramInput> inputs, IReadOnlyList<StateUpdate> updates, IReadOnlyList<Metric> metrics,
        params IReadOnlyList<ParameterRevision> revisions) =>
        new TrainingStep(loss, States, options.Optimizer)
        {
            Inputs = [.. inputs, .. Schedules],
            Updates = updates,
            Revisions = revisions,
            MaxGradientNorm = options.MaxGradientNorm,
            Averaging = averaging.Value,
            Metrics = [.. metrics, .. StateMetrics],
        }.ToProgram();

    private protected Program EvaluationProgram(IReadOnlyList<ProgramInput> inputs, IReadOnlyList<Metric> metrics)
    {
        metrics = [.. metrics, .. StateMetrics];
        var values = Evaluated([.. metrics.Select(metric => metric.Value)]);
        return new Program("evaluate", inputs, EvaluatedStates, [], [.. metrics.Zip(values, (metric, value) => metric with { Value = value })]);
    }

    private protected OnnxModel Deployable(
        string kind, IReadOnlyList<Value> inputs, IReadOnlyList<(string Name, Value Value)> outputs, params IReadOnlyList<(string Key, string Value)> metadata) => GraphCompiler
        .Build(
            kind, [.. inputs, .. EvaluatedStates.Select(state => state.Current)],
            [.. outputs.Zip(Evaluated([.. outputs.Select(output => output.Value)]), (output, value) => (output.Name, value))])
        .WithMetadata(new Dictionary<string, string>(metadata.Select(entry => KeyValuePair.Create(entry.Key, entry.Value)))
        {
            ["onnxvae.kind"] = kind,
            ["onnxvae.imageShape"] = $"{image.Channels},{image.Height},{image.Width}",
            ["onnxvae.pixelRange"] = "0,1",
            ["onnxvae.version"] = typeof(ModelCompiler).Assembly.GetName().Version!.ToString(3),
        });

    /// <summary>The manifest's description of the model.</summary>
    private protected virtual JsonObject Describe() => new()
    {
        ["objective"] = ObjectiveText,
        ["imageShape"] = new JsonArray(image.Channels, image.Height, image.Width),
        ["batchSize"] = options.BatchSize,
        ["parameters"] = States.Where(state => state.Spec.Role is StateRole.Parameter or StateRole.Frozen).Sum(state => state.Spec.Shape.ElementCount),
        ["optimizer"] = options.Optimizer.Name,
        ["maxGradientNorm"] = options.MaxGradientNorm,
        ["weightAveraging"] = options.WeightAveraging,
        ["schedules"] = new JsonObject(Schedules.Prepend(options.Optimizer.LearningRate).Select(input => KeyValuePair.Create(
            input.Spec.Name, JsonSerializer.SerializeToNode(input.Spec.Schedule, Manifest.JsonOptions)))),
    };

    // What is evaluated and exported reads the averaged weights where there are such.
    private IReadOnlyList<Value> Evaluated(IReadOnlyList<Value> values) =>
        averaging.Value is { } averages ? StateReplacement.Replace(values, averages.Averages) : values;

    private IReadOnlyList<State> EvaluatedStates => [.. States, .. averaging.Value?.Averages.Values ?? []];
}
