using System.Text.Json;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Models.Conditions;

/// <summary>The class of the image, as a one-hot vector [K].</summary>
public sealed class LabelCondition : Condition
{
    /// <summary>Names the classes.</summary>
    /// <param name="classes">The K classes' names, in the order of the labels.</param>
    /// <exception cref="ArgumentException">There are none.</exception>
    public LabelCondition(IReadOnlyList<string> classes)
        : base(ConditionKinds.Label, [RequireSome(classes)]) => Classes = classes;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    /// <inheritdoc/>
    internal override ConditionBatch Of(ExampleBatch batch) => new([batch.Labels!], Ops.OneHot(batch.Labels!.Value, Classes.Count));

    /// <inheritdoc/>
    internal override IEnumerable<(string Key, string Value)> Metadata => [.. base.Metadata, (MetadataKeys.Classes, JsonSerializer.Serialize(Classes))];

    private static long RequireSome(IReadOnlyList<string> classes) =>
        classes.Count > 0 ? classes.Count : throw new ArgumentException("The images have no classes: a model can only be conditional on classes that there are.", nameof(classes));
}
