using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using TorchSharp;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Models;

/// <summary>Compiles the training of a classifier, which judges generated images: it minimises the cross-entropy -ln P(class | image).</summary>
public sealed class ClassifierCompiler : ModelCompiler
{
    private readonly torch.nn.Module<torch.Tensor, torch.Tensor> network;
    private readonly IReadOnlyList<string> classes;

    /// <summary>Takes a network, with its weights as they are.</summary>
    /// <param name="network">Images, Float32 [N, C, H, W] with values in [0, 1], to the unnormalised logarithms of the classes' probabilities, [N, K].</param>
    /// <param name="image">The images' shape.</param>
    /// <param name="classes">The K classes' names.</param>
    /// <param name="options">How it is trained.</param>
    public ClassifierCompiler(
        torch.nn.Module<torch.Tensor, torch.Tensor> network, ImageShape image, IReadOnlyList<string> classes, ClassifierTrainingOptions options)
        : base(network, image, options) => (this.network, this.classes) = (network, classes);

    /// <inheritdoc/>
    public override Program Step()
    {
        var training = Lowering.ForTraining();
        var ((images, grey), labels) = (ImageBatch(), LabelBatch());
        var logits = training.Lower(network, grey);
        return TrainingProgram(
            Mean(CrossEntropy(logits, labels.Value)), [images, labels, .. training.Noise], training.Updates,
            [new("accuracy", MetricRole.Scalar, Mean(IsRight(logits, labels.Value)))]);
    }

    /// <inheritdoc/>
    public override Program Evaluate()
    {
        var ((images, grey), labels) = (ImageBatch(), LabelBatch());
        var logits = Lowering.Lower(network, grey);
        return EvaluationProgram(
            [images, labels],
            [
                new("crossEntropy", MetricRole.PerRow, CrossEntropy(logits, labels.Value)),
                new("accuracy", MetricRole.PerRow, IsRight(logits, labels.Value)),
            ]);
    }

    /// <inheritdoc/>
    /// <remarks><c>classifier</c>: images [N, C, H, W] in [0, 1] to <c>logits</c>, [N, K].</remarks>
    public override IReadOnlyDictionary<string, OnnxModel> Deployables()
    {
        var image = Value.Input("image", ElementType.Float32, BatchShape.With(0, Shape.Batch));
        return new Dictionary<string, OnnxModel>
        {
            ["classifier"] = Deployable(
                "classifier", [image], [("logits", Lowering.Lower(network, image))], ("onnxvae.classes", JsonSerializer.Serialize(classes))),
        };
    }

    private protected override string ObjectiveText => "-ln P(class | image)";

    private protected override JsonObject Describe()
    {
        var description = base.Describe();
        description["classes"] = new JsonArray([.. classes.Select(name => (JsonNode)name)]);
        return description;
    }

    // Float32 [N].
    private Value CrossEntropy(Value logits, Value labels) => -SumPerRow(LogSoftmax(logits, axis: 1) * OneHot(labels, classes.Count));

    // 1 where the likeliest class is the image's, 0 elsewhere, [N].
    private static Value IsRight(Value logits, Value labels) => Cast(Equal(ArgMax(logits, axis: 1), labels), ElementType.Float32);
}
