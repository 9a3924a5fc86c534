using System.Text;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// An ONNX model of <c>Identity</c> nodes, one per tensor: the runtime moves tensors between host and device at its edges. Written by hand, since this library has
/// no writer of models: fields are a key (number and wire type), a length and the content.
/// </summary>
internal static class CopyGraph
{
    private const int IrVersion = 8, OpsetVersion = 18;
    private const int VarintOfField = 0, BytesOfField = 2;

    /// <summary>The name of an input.</summary>
    public static string Input(int tensor) => $"x{tensor}";

    /// <summary>The name of an output.</summary>
    public static string Output(int tensor) => $"y{tensor}";

    /// <summary>The model's bytes.</summary>
    /// <param name="types">The element type of each tensor; shapes are open.</param>
    public static byte[] Of(IReadOnlyList<TensorElementType> types)
    {
        List<byte> graph = [];
        for (int i = 0; i < types.Count; i++)
        {
            graph.AddRange(Bytes(1, [.. Text(1, Input(i)), .. Text(2, Output(i)), .. Text(4, "Identity")])); // GraphProto.node: input, output, op_type
        }

        graph.AddRange(Text(2, "copy")); // GraphProto.name
        for (int i = 0; i < types.Count; i++)
        {
            graph.AddRange(Bytes(11, [.. Text(1, Input(i)), .. Tensor(types[i])])); // GraphProto.input: name, type
            graph.AddRange(Bytes(12, [.. Text(1, Output(i)), .. Tensor(types[i])])); // GraphProto.output
        }

        return [.. Number(1, IrVersion), .. Bytes(7, [.. graph]), .. Bytes(8, Number(2, OpsetVersion))]; // ModelProto: ir_version, graph, opset_import
    }

    private static byte[] Tensor(TensorElementType type) => Bytes(2, Bytes(1, Number(1, (int)type))); // TypeProto.tensor_type: elem_type

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Number(int field, int value) => [(byte)((field << 3) | VarintOfField), .. Varint(value)];

    private static byte[] Bytes(int field, byte[] content) => [(byte)((field << 3) | BytesOfField), .. Varint(content.Length), .. content];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 128; value >>= 7)
        {
            yield return (byte)(value | 128);
        }

        yield return (byte)value;
    }
}
