using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models.CodePriors;

/// <summary>
/// Compiles the training of a prior: images and classes go in, an exported encoder turns the images into codes, and the prior's
/// -ln P(codes | class, level above) is minimised, as a mean per code.
/// </summary>
/// <remarks>Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.2.</remarks>
public sealed class CodePriorCompiler : ModelCompiler
{
    private const string WeightsEntry = "onnxvae.weights"; // identifies the encoder whose codes these are

    private readonly CodePrior prior;
    private readonly OnnxModel encoder;
    private readonly IReadOnlyList<CodeGridShape> grids;
    private readonly int level;
    private readonly IReadOnlyList<string> classes;
    private readonly CodePriorTrainingOptions options;

    /// <summary>Takes a prior, with its weights as they are.</summary>
    /// <param name="prior">The networks.</param>
    /// <param name="encoder">An exported encoder, images [N, C, H, W] in [0, 1] to codes, Float32 [N, L].</param>
    /// <param name="grids">The grids whose codes it gives, one after the other, the top level's first.</param>
    /// <param name="level">Which of them the prior is of.</param>
    /// <param name="classes">The classes' names; empty for images without classes.</param>
    /// <param name="options">How it is trained.</param>
    public CodePriorCompiler(
        CodePrior prior, OnnxModel encoder, IReadOnlyList<CodeGridShape> grids, int level, IReadOnlyList<string> classes, CodePriorTrainingOptions options)
        : base(prior, ImagesOf(encoder), options) =>
        (this.prior, this.encoder, this.grids, this.level, this.classes, this.options) = (prior, encoder, grids, level, classes, options);

    /// <inheritdoc/>
    public override Program Step()
    {
        var training = Lowering.ForTraining();
        var batch = Batch();
        var hidden = ProgramInput.Uniform("hidden", [options.BatchSize]);
        var label = classes.Count == 0
            ? batch.Label
            : Cast(Where(Greater((float)options.LabelDropout, hidden.Value), prior.Classes, Cast(batch.Label, ElementType.Float32)), ElementType.Int64);
        var perCode = Mean(Rate(training, batch, label)) * (1f / prior.Grid.Positions);
        return TrainingProgram(perCode, [.. batch.Inputs, hidden, .. training.Noise], training.Updates, []);
    }

    /// <inheritdoc/>
    /// <remarks>The rate of the level's codes, and its share per code.</remarks>
    public override Program Evaluate()
    {
        var batch = Batch();
        var rate = Rate(Lowering, batch, batch.Label);
        return EvaluationProgram(
            batch.Inputs, [new("rate", MetricRole.PerRow, rate), new("priorNllPerCode", MetricRole.PerRow, rate * (1f / prior.Grid.Positions))]);
    }

    /// <inheritdoc/>
    /// <remarks>The graphs for sampling.</remarks>
    public override IReadOnlyDictionary<string, OnnxModel> Deployables() => prior.SamplingGraphs(Lowering).ToDictionary(graph => $"{Role}{graph.Name}", graph => Deployable(
        $"{Role}{graph.Name}", graph.Inputs, graph.Outputs,
        [
            ("onnxvae.codes", string.Join(',', grids.Select(grid => $"{grid.Codes}:{grid.Height}x{grid.Width}"))),
            ("onnxvae.classes", JsonSerializer.Serialize(classes)),
            ("onnxvae.classFrequencies", JsonSerializer.Serialize(options.ClassFrequencies)),
            .. encoder.Metadata.Where(entry => entry.Key == WeightsEntry).Select(entry => (entry.Key, entry.Value)),
        ]));

    private protected override string ObjectiveText =>
        $"-ln P(codes{((classes.Count > 0, level > 0) switch { (true, true) => " | class, top level", (true, false) => " | class", (false, true) => " | top level", _ => "" })}) per code";

    private protected override JsonObject Describe()
    {
        var description = base.Describe();
        description["grid"] = $"{prior.Grid.Height} x {prior.Grid.Width} of {prior.Grid.Codes} codes";
        description["codesPerImage"] = prior.Grid.Positions;
        description["classes"] = new JsonArray([.. classes.Select(name => (JsonNode)name)]);
        description["uniformNllPerCode"] = Math.Log(prior.Grid.Codes);
        description["labelDropout"] = options.LabelDropout;
        description["weights"] = encoder.Metadata.GetValueOrDefault(WeightsEntry);
        return description;
    }

    private string Role => level < grids.Count - 1 ? "prior_top" : "prior_bottom";

    // -ln P(codes | ...), Float32 [N].
    private Value Rate(ModuleLowering lowering, CodeBatch batch, Value label)
    {
        var logits = prior.Logits(lowering, batch.Codes, label, batch.Known); // [N, P, K]
        var chosen = OneHot(Reshape(batch.Codes, [options.BatchSize, prior.Grid.Positions]), prior.Grid.Codes);
        return -SumPerRow(LogSoftmax(logits, axis: 2) * chosen);
    }

    private CodeBatch Batch()
    {
        var (images, grey) = ImageBatch();
        var label = classes.Count > 0 ? LabelBatch() : null;
        var codes = OnnxGraph.Read(encoder, options.BatchSize, isTrained: _ => false).On(grey).First(output => output.Name == "mean").Value;
        return new CodeBatch(
            label is null ? [images] : [images, label], Level(codes, level),
            label?.Value ?? Value.Indices(new long[options.BatchSize]), // the class that stands for none
            level > 0 ? Level(codes, level - 1) : null);
    }

    private Value Level(Value codes, int of)
    {
        long first = grids.Take(of).Sum(grid => grid.Positions);
        var ofLevel = Slice(codes, 1, first, first + grids[of].Positions);
        return Cast(Reshape(StopGradient(ofLevel), [options.BatchSize, grids[of].Height, grids[of].Width]), ElementType.Int64);
    }

    private static ImageShape ImagesOf(OnnxModel encoder)
    {
        var shape = encoder.Inputs[0].Shape;
        return new ImageShape((int)shape[1], (int)shape[2], (int)shape[3]);
    }

    private sealed record CodeBatch(IReadOnlyList<ProgramInput> Inputs, Value Codes, Value Label, Value? Known);
}
