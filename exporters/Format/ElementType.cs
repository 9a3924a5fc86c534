
namespace OnnxVae.Format;

/// <summary>The element types this project uses, numbered as in ONNX's <c>TensorProto.DataType</c>.</summary>
public enum ElementType
{
    /// <summary>32-bit IEEE float.</summary>
    Float32 = 1,

    /// <summary>8-bit unsigned integer: stored pixels.</summary>
    UInt8 = 2,

    /// <summary>64-bit signed integer: indices, shapes, axes.</summary>
    Int64 = 7,

    /// <summary>Boolean, one byte each.</summary>
    Bool = 9,
}

/// <summary>Sizes and .NET counterparts of <see cref="ElementType"/>.</summary>
public static class ElementTypes
{
    /// <summary>Bytes that one element takes.</summary>
    public static int SizeInBytes(this ElementType type) => type switch
    {
        ElementType.Float32 => 4,
        ElementType.Int64 => 8,
        ElementType.UInt8 or ElementType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type."),
    };

    /// <summary>The element type that stores <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">No element type stores <typeparamref name="T"/>.</exception>
    public static ElementType Of<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? ElementType.Float32
        : typeof(T) == typeof(byte) ? ElementType.UInt8
        : typeof(T) == typeof(long) ? ElementType.Int64
        : typeof(T) == typeof(bool) ? ElementType.Bool
        : throw new NotSupportedException($"Tensors of {typeof(T).Name} are not supported: use float, byte, long or bool.");
}
