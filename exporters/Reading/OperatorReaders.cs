using OnnxVae.Exporters.Onnx;

namespace OnnxVae.Exporters.Reading;

/// <summary>
/// The table of operators that are read: ONNX operator to the functions of <see cref="Ops"/>. Where a row returns null or throws,
/// the node's settings have no such function, and the node stays as it is.
/// </summary>
internal static partial class OperatorReaders
{
    public static Dictionary<string, Func<OnnxNode, IReadOnlyList<Value>?>> Rows { get; } = new(
    [
        .. Elementwise, .. Reductions, .. Contractions, .. Normalizations, .. Shapes,
    ]);

    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>> Row(string operatorType, Func<OnnxNode, Value?> read) =>
        new(operatorType, node => read(node) is { } value ? [value] : null);
}
