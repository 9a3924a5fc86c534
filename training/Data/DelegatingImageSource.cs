using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The images of another source, except for what a derived class overrides.</summary>
/// <param name="source">The other source.</param>
internal abstract class DelegatingImageSource(ImageSource source) : ImageSource
{
    /// <summary>The other source.</summary>
    protected ImageSource Source { get; } = source;

    /// <inheritdoc/>
    public override long Count => Source.Count;

    /// <inheritdoc/>
    public override ExampleShape Shape => Source.Shape;

    /// <inheritdoc/>
    public override int BitDepth => Source.BitDepth;

    /// <inheritdoc/>
    public override bool IsUnitRange => Source.IsUnitRange;

    /// <inheritdoc/>
    public override bool IsChannelsLast => Source.IsChannelsLast;

    /// <inheritdoc/>
    public override TableSpec? Table => Source.Table;

    /// <inheritdoc/>
    public override bool IsGrouped => Source.IsGrouped;

    /// <inheritdoc/>
    public override long GroupOf(long index) => Source.GroupOf(index);

    /// <inheritdoc/>
    public override void Read(long index, Span<byte> pixels) => Source.Read(index, pixels);

    /// <inheritdoc/>
    public override void ReadValues(long index, Span<float> values) => Source.ReadValues(index, values);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => Source.Classes;

    /// <inheritdoc/>
    public override int LabelOf(long index) => Source.LabelOf(index);

    /// <inheritdoc/>
    public override int Segments => Source.Segments;

    /// <inheritdoc/>
    public override void ReadSegments(long index, Span<byte> segments) => Source.ReadSegments(index, segments);

    /// <inheritdoc/>
    public override double? ConditionalEntropyOf(long index) => Source.ConditionalEntropyOf(index);

    /// <inheritdoc/>
    public override int ConditionSize => Source.ConditionSize;

    /// <inheritdoc/>
    public override void ReadCondition(long index, Span<float> condition) => Source.ReadCondition(index, condition);

    /// <inheritdoc/>
    public override bool HasNames => Source.HasNames;

    /// <inheritdoc/>
    public override string NameOf(long index) => Source.NameOf(index);
}
