using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <summary>
/// The table of operators that are read: ONNX operator to the functions of <see cref="Ops"/>. If a row returns null, the node's settings have
/// no such function, and the node stays as it is; if it throws, the node is invalid.
/// </summary>
internal static partial class OperatorReaders
{
    public static Dictionary<string, Func<OnnxNode, IReadOnlyList<Value>?>> Rows { get; } = new(
    [
        .. Elementwise, .. Reductions, .. Contractions, .. Poolings, .. Recurrences, .. Normalizations, .. Shapes, .. Indexings, .. Scatters, .. Images, .. Noises,
    ]);

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> Row(string operatorType, Func<OnnxNode, Value?> read) =>
        new(operatorType, node => read(node) is { } value ? [value] : null);

    // A new node that has no gradient.
    private static Value Opaque(string operatorType, ImmutableArray<Value> inputs, (ElementType Type, Shape Shape) result, params (string Name, object Value)[] attributes) =>
        new Node(operatorType, inputs, attributes.ToImmutableSortedDictionary(attribute => attribute.Name, attribute => attribute.Value, StringComparer.Ordinal), result) { IsOpaque = true }.Outputs[0];

    // A row for floats; for other types the node stays as it is.
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> RealRow(string operatorType, Func<OnnxNode, Value?> read) =>
        Row(operatorType, node => node.IsReal ? read(node) : null);
}
