using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <summary>An input or result of a file's node: a value of the graph, and its elements if they are already known.</summary>
internal sealed class Operand
{
    private readonly Lazy<Value> value;
    private readonly Lazy<KnownTensor?> known;

    public Operand(Value value) => (this.value, known, Type, Shape) = (new(value), new(() => KnownTensor.Of(value)), value.Type, value.Shape);

    /// <param name="known">The numbers.</param>
    /// <param name="like">A value with the open batch, for numbers that depend on it.</param>
    public Operand(KnownTensor known, Func<Value> like) => (value, this.known, Type, Shape) = (new(() => known.ToValue(like)), new(known), known.Type, known.Shape);

    public ElementType Type { get; }

    public Shape Shape { get; }

    public Value Value => value.Value;

    public KnownTensor? Known => known.Value;
}
