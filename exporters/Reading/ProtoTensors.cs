using System.Runtime.InteropServices;
using OnnxVae.Format;
using OnnxVae.Format.Schema;

namespace OnnxVae.Exporters.Reading;

/// <summary>Tensors as ONNX files store them: as raw bytes, or as typed numbers.</summary>
internal static class ProtoTensors
{
    private const int Int8 = 3, UInt16 = 4, Int16 = 5, Int32 = 6, Float16 = 10, Float64 = 11, UInt32 = 12, UInt64 = 13, BFloat16 = 16; // in ONNX's numbering

    /// <summary>The element type that one of ONNX's is read as: floats of any precision have 32 bits here, all integers except bytes 64.</summary>
    public static ElementType TypeOf(int type) => type switch
    {
        Float16 or Float64 or BFloat16 => ElementType.Float32,
        Int8 or Int16 or Int32 or UInt16 or UInt32 or UInt64 => ElementType.Int64,
        _ => (ElementType)type,
    };

    /// <summary>Reads a tensor; floats of any precision as Float32.</summary>
    /// <exception cref="InvalidDataException">The element type is not supported in graphs, or the number of elements does not fit the shape.</exception>
    public static Tensor Read(TensorProto proto)
    {
        if (proto.Dims.Any(size => size < 0) || proto.Dims.Aggregate((Int128)1, (count, size) => Int128.Min(count * size, int.MaxValue)) == int.MaxValue)
        {
            throw new InvalidDataException($"Tensor '{proto.Name}' has the shape [{string.Join(", ", proto.Dims)}], which is not a valid tensor shape: the file is damaged.");
        }

        Shape shape = [.. proto.Dims];
        try
        {
            return proto.DataType switch
            {
                (int)ElementType.Float32 or (int)ElementType.Int64 or (int)ElementType.UInt8 or (int)ElementType.Bool when proto.RawData.Length > 0 =>
                    new Tensor((ElementType)proto.DataType, shape, proto.RawData.Memory),
                (int)ElementType.Float32 => Tensor.From<float>(shape, [.. proto.FloatData]),
                Float64 => Tensor.From<float>(shape, [.. Elements<double>(proto, proto.DoubleData).Select(number => (float)number)]),
                Float16 => Tensor.From<float>(shape, [.. Elements<Half>(proto, proto.Int32Data.Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))).Select(number => (float)number)]),
                BFloat16 => Tensor.From<float>(shape, [.. Elements<ushort>(proto, proto.Int32Data.Select(bits => (ushort)bits)).Select(bits => BitConverter.UInt32BitsToSingle((uint)bits << 16))]),
                Int8 => Tensor.From<long>(shape, [.. Elements<sbyte>(proto, proto.Int32Data.Select(number => (sbyte)number)).Select(number => (long)number)]),
                Int16 => Tensor.From<long>(shape, [.. Elements<short>(proto, proto.Int32Data.Select(number => (short)number)).Select(number => (long)number)]),
                UInt16 => Tensor.From<long>(shape, [.. Elements<ushort>(proto, proto.Int32Data.Select(number => (ushort)number)).Select(number => (long)number)]),
                Int32 => Tensor.From<long>(shape, [.. Elements<int>(proto, proto.Int32Data).Select(number => (long)number)]),
                UInt32 => Tensor.From<long>(shape, [.. Elements<uint>(proto, proto.Uint64Data.Select(number => (uint)number)).Select(number => (long)number)]),
                UInt64 => Tensor.From<long>(shape, [.. Elements<ulong>(proto, proto.Uint64Data).Select(number => (long)number)]),
                (int)ElementType.Int64 => Tensor.From<long>(shape, [.. proto.Int64Data]),
                (int)ElementType.UInt8 or (int)ElementType.Bool => new Tensor((ElementType)proto.DataType, shape, proto.Int32Data.Select(number => (byte)number).ToArray()),
                _ => throw new InvalidDataException(
                    $"Tensor '{proto.Name}' has ONNX's element type {proto.DataType}; only floats, integers and Bool are supported."),
            };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"Tensor '{proto.Name}' of shape {shape} does not have as many elements as that: the file is damaged.", e);
        }
    }

    private static T[] Elements<T>(TensorProto proto, IEnumerable<T> typed) where T : unmanaged =>
        proto.RawData.Length > 0 ? MemoryMarshal.Cast<byte, T>(proto.RawData.Span).ToArray() : [.. typed];
}
