using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Expansion;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Optimizers;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Models.Quantization;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.CodePriors;

/// <summary>How a prior of codes is trained.</summary>
/// <param name="BatchSize">N, images per step.</param>
/// <param name="Optimizer">How the parameters change.</param>
/// <param name="LabelDropout">The share of images whose class is hidden, so that the prior also knows images of no named class.</param>
/// <param name="MaxGradientNorm">The largest length of all gradients together; null for no limit.</param>
public sealed record CodePriorTrainingOptions(int BatchSize, Optimizer Optimizer, double LabelDropout = 0.1, double? MaxGradientNorm = null);

/// <summary>
/// Compiles the training of a prior: images and classes go in, an exported encoder turns the images into codes, and the prior's
/// -ln P(codes | class, level above) is minimised, as a mean per code.
/// </summary>
/// <remarks>Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.2.</remarks>
public sealed class CodePriorCompiler
{
    private readonly CodePrior prior;
    private readonly OnnxModel encoder;
    private readonly IReadOnlyList<CodeGridShape> grids;
    private readonly int level;
    private readonly CodePriorTrainingOptions options;
    private readonly ModuleLowering lowering;

    /// <summary>Takes a prior, with its weights as they are.</summary>
    /// <param name="prior">The networks.</param>
    /// <param name="encoder">An exported encoder, images [N, C, H, W] in [0, 1] to codes, Float32 [N, L].</param>
    /// <param name="grids">The grids whose codes it gives, one after the other, the top level's first.</param>
    /// <param name="level">Which of them the prior is of.</param>
    /// <param name="options">How it is trained.</param>
    public CodePriorCompiler(CodePrior prior, OnnxModel encoder, IReadOnlyList<CodeGridShape> grids, int level, CodePriorTrainingOptions options)
    {
        (this.prior, this.encoder, this.grids, this.level, this.options) = (prior, encoder, grids, level, options);
        lowering = new ModuleLowering(prior);
    }

    /// <summary>The role of the prior's graph among the deployed ones: <c>prior_top</c> or <c>prior_bottom</c>.</summary>
    public string Role => level < grids.Count - 1 ? "prior_top" : "prior_bottom";

    /// <summary>The training step.</summary>
    public Program Step()
    {
        var batch = Batch();
        var hidden = ProgramInput.Uniform("hidden", [options.BatchSize]);
        var label = Where(Greater((float)options.LabelDropout, hidden.Value), prior.Classes, Cast(batch.Label, ElementType.Float32));
        var perCode = Mean(Rate(batch, Cast(label, ElementType.Int64))) * (1f / prior.Grid.Positions);
        return new TrainingStep(perCode, lowering.States, options.Optimizer)
        {
            Inputs = [.. batch.Inputs, hidden],
            MaxGradientNorm = options.MaxGradientNorm,
        }.ToProgram();
    }

    /// <summary>The evaluation of a batch: the rate of the level's codes, and its share per code.</summary>
    public Program Evaluate()
    {
        var batch = Batch();
        var rate = Rate(batch, batch.Label);
        return new Program(
            "evaluate", batch.Inputs, lowering.States, [],
            [new("rate", MetricRole.PerRow, rate), new("priorNllPerCode", MetricRole.PerRow, rate * (1f / prior.Grid.Positions))]);
    }

    /// <summary>The graphs for sampling, without weights, by their roles.</summary>
    /// <param name="classes">The classes' names.</param>
    public IReadOnlyDictionary<string, OnnxModel> Deployables(IReadOnlyList<string> classes) => prior.SamplingGraphs(lowering).ToDictionary(graph => $"{Role}{graph.Name}", graph => OnnxModelWriter
        .Build(Role, [.. graph.Inputs, .. lowering.States.Select(state => state.Current)], graph.Outputs)
        .WithMetadata(new Dictionary<string, string>
        {
            ["onnxvae.kind"] = $"{Role}{graph.Name}",
            ["onnxvae.codes"] = string.Join(',', grids.Select(grid => $"{grid.Codes}:{grid.Height}x{grid.Width}")),
            ["onnxvae.classes"] = JsonSerializer.Serialize(classes),
            ["onnxvae.version"] = typeof(CodePriorCompiler).Assembly.GetName().Version!.ToString(3),
        }));

    /// <summary>Writes the training package.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="classes">The classes' names.</param>
    /// <param name="description">Entries to add to the manifest's description of the model.</param>
    /// <param name="target">Where it will run; the processor if absent.</param>
    public TrainingPackage Write(string folder, IReadOnlyList<string> classes, JsonObject description, ExpansionTarget? target = null)
    {
        var model = new JsonObject
        {
            ["objective"] = $"-ln P(codes | class{(level > 0 ? ", top level" : "")}) per code",
            ["grid"] = $"{prior.Grid.Height} x {prior.Grid.Width} of {prior.Grid.Codes} codes",
            ["classes"] = new JsonArray([.. classes.Select(name => (JsonNode)name)]),
            ["uniformNllPerCode"] = Math.Log(prior.Grid.Codes),
            ["labelDropout"] = options.LabelDropout,
            ["batchSize"] = options.BatchSize,
            ["parameters"] = lowering.States.Sum(state => state.Spec.Shape.ElementCount),
            ["optimizer"] = options.Optimizer.Name,
            ["schedules"] = new JsonObject([KeyValuePair.Create(
                options.Optimizer.LearningRate.Spec.Name, JsonSerializer.SerializeToNode(options.Optimizer.LearningRate.Spec.Schedule, Manifest.JsonOptions))]),
        };
        foreach (var (key, value) in description)
        {
            model[key] = value?.DeepClone();
        }

        return TrainingPackage.Write(folder, model, Step(), Evaluate(), Deployables(classes), target);
    }

    // -ln P(codes | ...), Float32 [N].
    private Value Rate(CodeBatch batch, Value label)
    {
        var logits = prior.Logits(lowering, batch.Codes, label, batch.Known); // [N, P, K]
        var chosen = CodeCounts.OneHot(Reshape(batch.Codes, [options.BatchSize, prior.Grid.Positions]), prior.Grid.Codes);
        return -SumPerRow(LogSoftmax(logits, axis: 2) * chosen);
    }

    private CodeBatch Batch()
    {
        var shape = encoder.Inputs[0].Shape;
        var images = ProgramInput.Data("images", ElementType.UInt8, shape.With(0, options.BatchSize));
        var label = ProgramInput.Data("labels", ElementType.Int64, [options.BatchSize]);
        var graph = OnnxGraph.Read(encoder, options.BatchSize, isTrained: _ => false);
        var codes = graph.On(Cast(images.Value, ElementType.Float32) * (1f / 255f)).First(output => output.Name == "mean").Value;
        return new CodeBatch([images, label], Level(codes, level), label.Value, level > 0 ? Level(codes, level - 1) : null);
    }

    private Value Level(Value codes, int of)
    {
        long first = grids.Take(of).Sum(grid => grid.Positions);
        var ofLevel = Slice(codes, 1, first, first + grids[of].Positions);
        return Cast(Reshape(StopGradient(ofLevel), [options.BatchSize, grids[of].Height, grids[of].Width]), ElementType.Int64);
    }

    private sealed record CodeBatch(IReadOnlyList<ProgramInput> Inputs, Value Codes, Value Label, Value? Known);
}
