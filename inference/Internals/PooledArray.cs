using System.Buffers;

namespace OnnxVae.Inference.Internals;

/// <summary>An array rented from a pool.</summary>
internal readonly struct PooledArray(int length) : IDisposable
{
    private readonly float[] array = ArrayPool<float>.Shared.Rent(length);

    public Span<float> Span => array.AsSpan(0, length);

    public void Dispose() => ArrayPool<float>.Shared.Return(array);
}
