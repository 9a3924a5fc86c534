using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Exporters.Programs;
using OnnxVae.Exporters.Reading;
using OnnxVae.Format;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.CodePriors;

/// <summary>
/// A prior of codes in training: images and classes go in, an exported encoder turns the images into codes, and the prior's
/// -ln P(codes | class, level above) is minimized, as a mean per code.
/// </summary>
/// <remarks>Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, section 3.2.</remarks>
public sealed class CodePriorModel : IModel
{
    private readonly CodePrior prior;
    private readonly OnnxModel encoder;
    private readonly IReadOnlyList<CodeGridShape> grids;
    private readonly int level;

    /// <summary>Takes a prior.</summary>
    /// <param name="prior">The networks.</param>
    /// <param name="encoder">An exported encoder, images [N, C, H, W] in [0, 1] or in the data's units to codes, Float32 [N, L].</param>
    /// <param name="grids">The grids whose codes it gives, one after the other, the top level's first.</param>
    /// <param name="level">The level that the prior models.</param>
    /// <param name="classes">The classes' names; empty for images without classes.</param>
    public CodePriorModel(CodePrior prior, OnnxModel encoder, IReadOnlyList<CodeGridShape> grids, int level, IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        (this.prior, this.encoder, this.grids, this.level) = (prior, encoder, grids, level);
        var shape = encoder.Inputs[0].Shape;
        Example = new Example(new ExampleShape((int)shape[1], (int)shape[2], (int)shape[3])) { Scaling = ScalingOf(encoder), Classes = classes };
    }

    /// <summary>The share of images whose class is hidden in training, so that the prior also models images of no named class.</summary>
    public double LabelDropout { get; init; } = 0.1;

    /// <summary>The share of each class among the training images, used to draw classes if none is requested; empty for equal shares.</summary>
    public IReadOnlyList<double> ClassFrequencies { get; init; } = [];

    /// <inheritdoc/>
    public Example Example { get; }

    /// <inheritdoc/>
    public Latents? Latents => null; // they are the encoder's

    /// <inheritdoc/>
    public torch.nn.Module Network => prior;

    /// <inheritdoc/>
    public string Objective =>
        $"-ln P(codes{((Example.Classes.Count > 0, level > 0) switch { (true, true) => " | class, top level", (true, false) => " | class", (false, true) => " | top level", _ => "" })}) per code";

    /// <inheritdoc/>
    public JsonObject Description => new()
    {
        ["grid"] = $"{prior.Grid.Height} x {prior.Grid.Width} of {prior.Grid.Codes} codes",
        ["codesPerImage"] = prior.Grid.Positions,
        ["uniformNllPerCode"] = Math.Log(prior.Grid.Codes),
        ["labelDropout"] = LabelDropout,
        ["weights"] = encoder.Metadata.GetValueOrDefault(MetadataKeys.Weights),
    };

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var batch = Batch(batchSize);
        var hidden = ProgramInput.Uniform("hidden", [batchSize]);
        var label = Example.Classes.Count == 0
            ? batch.Label
            : Cast(Where(Greater((float)LabelDropout, hidden.Value), prior.Classes, Cast(batch.Label, ElementType.Float32)), ElementType.Int64);
        return new TrainingGraph(Mean(Rate(network, batch, label)) * (1f / prior.Grid.Positions), [.. batch.Inputs, hidden]);
    }

    /// <inheritdoc/>
    /// <remarks>The rate of the level's codes, and its share per code.</remarks>
    public EvaluationGraph Evaluate(ModuleLowering network, int batchSize)
    {
        var batch = Batch(batchSize);
        var rate = Rate(network, batch, batch.Label);
        return new EvaluationGraph(
            batch.Inputs, [new("rate", MetricRole.PerRow, rate), new("priorNllPerCode", MetricRole.PerRow, rate * (1f / prior.Grid.Positions))]);
    }

    /// <inheritdoc/>
    /// <remarks>The graphs for sampling.</remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network) => prior.SamplingGraphs(network).Select(graph => new Deployable(
        $"{Role}{graph.Name}", graph.Inputs, graph.Outputs,
        [
            Latents.CodesMetadata(grids),
            (MetadataKeys.Classes, JsonSerializer.Serialize(Example.Classes)),
            (MetadataKeys.ClassFrequencies, JsonSerializer.Serialize(ClassFrequencies)),
            .. encoder.Metadata.Where(entry => entry.Key == MetadataKeys.Weights).Select(entry => (entry.Key, entry.Value)),
        ]));

    private string Role => level < grids.Count - 1 ? ExportedKinds.TopPrior : ExportedKinds.BottomPrior;

    // -ln P(codes | ...), Float32 [N].
    private Value Rate(ModuleLowering network, CodeBatch batch, Value label)
    {
        var logits = prior.Logits(network, batch.Codes, label, batch.Known); // [N, P, K]
        var chosen = OneHot(Reshape(batch.Codes, [batch.Codes.Shape[0], prior.Grid.Positions]), prior.Grid.Codes);
        return -SumPerRow(LogSoftmax(logits, axis: 2) * chosen);
    }

    private CodeBatch Batch(int size)
    {
        var batch = Example.Batch(size);
        var codes = OnnxGraph.Read(encoder, size, isTrained: _ => false).On(batch.Seen).First(output => output.Name == "mean").Value;
        return new CodeBatch(
            batch.Labels is null ? [batch.Images] : [batch.Images, batch.Labels], Level(codes, level),
            batch.Labels?.Value ?? Value.Indices(new long[size]), // the class that stands for none
            level > 0 ? Level(codes, level - 1) : null);
    }

    private Value Level(Value codes, int of)
    {
        long first = grids.Take(of).Sum(grid => grid.Positions);
        var ofLevel = Slice(codes, 1, first, first + grids[of].Positions);
        return Cast(Reshape(StopGradient(ofLevel), [codes.Shape[0], grids[of].Height, grids[of].Width]), ElementType.Int64);
    }

    private sealed record CodeBatch(IReadOnlyList<ProgramInput> Inputs, Value Codes, Value Label, Value? Known);

    // Of what the encoder takes; it does the scaling itself.
    private static Scaling? ScalingOf(OnnxModel encoder) => encoder.Metadata.GetValueOrDefault(MetadataKeys.BitDepth) switch
    {
        null => null,
        "16" => Scaling.OfPixels(bitDepth: 16),
        _ => Scaling.AsTheyAre(isUnitRange: encoder.Metadata.ContainsKey(MetadataKeys.PixelRange)),
    };
}
