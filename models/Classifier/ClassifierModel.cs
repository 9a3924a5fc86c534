using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using TorchSharp;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Classifier;

/// <summary>A classifier, which judges generated images: it minimizes the cross-entropy -ln P(class | image).</summary>
public sealed class ClassifierModel : IModel
{
    private readonly torch.nn.Module<torch.Tensor, torch.Tensor> network;

    /// <summary>Takes a network.</summary>
    /// <param name="network">Examples as the model sees them, Float32 [N, C, ...], to the logits of the classes, [N, K].</param>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="classes">The K classes' names.</param>
    /// <param name="scaling">How real numbers are scaled; null for 8-bit pixels.</param>
    public ClassifierModel(torch.nn.Module<torch.Tensor, torch.Tensor> network, ExampleShape shape, IReadOnlyList<string> classes, Scaling? scaling = null) =>
        (this.network, Example) = (network, new Example(shape) { Classes = classes, Scaling = scaling });

    /// <inheritdoc/>
    public Example Example { get; }

    /// <inheritdoc/>
    public Latents? Latents => null;

    /// <inheritdoc/>
    public torch.nn.Module Network => network;

    /// <inheritdoc/>
    public string Objective => "-ln P(class | image)";

    /// <inheritdoc/>
    public JsonObject Description => [];

    /// <inheritdoc/>
    public TrainingGraph Train(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var logits = network.Lower(this.network, batch.Seen);
        return new TrainingGraph(Mean(CrossEntropy(logits, batch.Labels!.Value)), [batch.Images, batch.Labels])
        {
            Metrics = [new("accuracy", MetricRole.Scalar, Mean(IsRight(logits, batch.Labels.Value)))],
        };
    }

    /// <inheritdoc/>
    public EvaluationGraph Evaluate(ModuleLowering network, int batchSize)
    {
        var batch = Example.Batch(batchSize);
        var logits = network.Lower(this.network, batch.Seen);
        return new EvaluationGraph(
            [batch.Images, batch.Labels!],
            [
                new("crossEntropy", MetricRole.PerRow, CrossEntropy(logits, batch.Labels!.Value)),
                new("accuracy", MetricRole.PerRow, IsRight(logits, batch.Labels.Value)),
            ]);
    }

    /// <inheritdoc/>
    /// <remarks><c>classifier</c>: examples [N, C, ...], in [0, 1] or in the data's units, to <c>logits</c>, [N, K].</remarks>
    public IEnumerable<Deployable> Deploy(ModuleLowering network)
    {
        var (image, seen) = Example.Deployed();
        yield return new Deployable(ExportedKinds.Classifier, [image], [("logits", network.Lower(this.network, seen))], (MetadataKeys.Classes, JsonSerializer.Serialize(Example.Classes)));
    }

    // Float32 [N].
    private Value CrossEntropy(Value logits, Value labels) => -SumPerRow(LogSoftmax(logits, axis: 1) * OneHot(labels, Example.Classes.Count));

    // 1 if the most likely class is the image's, else 0, [N].
    private static Value IsRight(Value logits, Value labels) => Cast(Equal(ArgMax(logits, axis: 1), labels), ElementType.Float32);
}
