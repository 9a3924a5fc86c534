using System.Runtime.InteropServices;

namespace OnnxVae.Format;

/// <summary>A tensor's data outside any runtime: element type, shape, and the elements as little-endian bytes in row-major order.</summary>
public sealed class Tensor
{
    /// <summary>Wraps existing bytes without a copy.</summary>
    /// <exception cref="ArgumentException">The number of bytes does not fit the shape.</exception>
    public Tensor(ElementType type, Shape shape, ReadOnlyMemory<byte> data)
    {
        long expected = shape.ElementCount * type.SizeInBytes();
        if (shape.HasBatch || data.Length != expected)
        {
            throw new ArgumentException($"A {type} tensor {shape} takes {expected} bytes, not {data.Length}.");
        }

        (Type, Shape, Data) = (type, shape, data);
    }

    /// <summary>The element type.</summary>
    public ElementType Type { get; }

    /// <summary>The shape; every dimension is known.</summary>
    public Shape Shape { get; }

    /// <summary>The elements, little-endian, row-major.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>A tensor holding a copy of the values.</summary>
    public static Tensor From<T>(Shape shape, params ReadOnlySpan<T> values) where T : unmanaged =>
        new(ElementTypes.Of<T>(), shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of zeros.</summary>
    public static Tensor Zeros(ElementType type, Shape shape) => new(type, shape, new byte[shape.ElementCount * type.SizeInBytes()]);

    /// <summary>The elements as <typeparamref name="T"/>.</summary>
    /// <exception cref="InvalidOperationException">The tensor stores another type.</exception>
    public ReadOnlySpan<T> As<T>() where T : unmanaged => ElementTypes.Of<T>() == Type
        ? MemoryMarshal.Cast<byte, T>(Data.Span)
        : throw new InvalidOperationException($"The tensor holds {Type}, not {ElementTypes.Of<T>()}.");
}
