using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Onnx.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>Tensors as ONNX files store them: as raw bytes, or as typed numbers.</summary>
internal static class ProtoTensors
{
    /// <exception cref="InvalidDataException">The element type is none of those that graphs know.</exception>
    public static Tensor Read(TensorProto proto)
    {
        Shape shape = [.. proto.Dims];
        var type = (ElementType)proto.DataType;
        if (!Enum.IsDefined(type))
        {
            throw new InvalidDataException($"Tensor '{proto.Name}' has ONNX's element type {proto.DataType}; {string.Join(", ", Enum.GetNames<ElementType>())} are read: export the model in 32-bit floats.");
        }

        if (proto.RawData.Length > 0 || shape.ElementCount == 0)
        {
            return new Tensor(type, shape, proto.RawData.Memory);
        }

        return type switch
        {
            ElementType.Float32 => Tensor.From<float>(shape, [.. proto.FloatData]),
            ElementType.Int64 => Tensor.From<long>(shape, [.. proto.Int64Data]),
            _ => new Tensor(type, shape, proto.Int32Data.Select(number => (byte)number).ToArray()),
        };
    }
}
