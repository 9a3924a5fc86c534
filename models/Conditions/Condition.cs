using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;

namespace OnnxVae.Models.Conditions;

/// <summary>What a conditional VAE is given besides the image y: the x of Q(z|y,x), P(y|z,x) and P(z|x).</summary>
/// <remarks>Sohn, Lee and Yan 2015, Learning structured output representation using deep conditional generative models.</remarks>
public abstract class Condition
{
    private protected Condition(string kind, Shape shape) => (Kind, Shape) = (kind, shape);

    /// <summary>Its kind, as in the metadata of exported files.</summary>
    public string Kind { get; }

    /// <summary>The shape of the condition of one image: [K] for vectors, [C, H, W] for what is laid out like the image.</summary>
    public Shape Shape { get; }

    /// <summary>Whether it is laid out like the image.</summary>
    public bool IsSpatial => Shape.Rank > 1;

    /// <summary>The names of the classes, for a class; else empty.</summary>
    public virtual IReadOnlyList<string> Classes => [];

    /// <summary>The condition of a batch.</summary>
    /// <param name="batch">The examples.</param>
    internal abstract ConditionBatch Of(ExampleBatch batch);

    /// <summary>The input of deployed graphs, Float32 [N, ...], for any N, and the conditions as the model sees them.</summary>
    /// <param name="example">An example.</param>
    internal virtual (Value Input, Value Seen) Deployed(Example example)
    {
        var input = Value.Input(ConditionKinds.Input, ElementType.Float32, [Format.Shape.Batch, .. Shape]);
        return (input, input);
    }

    /// <summary>Images of deployed graphs, of which the condition may know a part.</summary>
    /// <param name="images">What the decoder says, Float32 [N, C, ...], in [0, 1] or in the data's units.</param>
    /// <param name="condition">The conditions in the same units.</param>
    internal virtual Value Complete(Value images, Value condition) => images;

    /// <summary>What the condition does not show of images in deployed graphs, Float32 [N, 1, H, W], 1 where it is unknown; null if it shows nothing of any.</summary>
    /// <param name="seen">The conditions as the model sees them.</param>
    internal virtual Value? Unknown(Value seen) => null;

    /// <summary>Its metadata in the model's files.</summary>
    internal virtual IEnumerable<(string Key, string Value)> Metadata => [(MetadataKeys.Condition, $"{Kind}:{string.Join('x', Shape)}")];
}

/// <summary>The conditions of a batch.</summary>
/// <param name="Inputs">The inputs of the program that they come from.</param>
/// <param name="Value">Float32 [N, ...].</param>
/// <param name="IsUnknown">1 where the image's pixels are not part of the condition, 0 where they are, Float32 [N, 1, H, W]; null if none are.</param>
internal sealed record ConditionBatch(IReadOnlyList<ProgramInput> Inputs, Value Value, Value? IsUnknown = null);
