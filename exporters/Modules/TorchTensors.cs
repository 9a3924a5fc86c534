using OnnxVae.Format;
using TorchSharp;

namespace OnnxVae.Exporters.Modules;

/// <summary>What identifies a TorchSharp tensor: its memory, its shape, and how the shape is laid out in the memory.</summary>
/// <param name="Address">The storage.</param>
/// <param name="Offset">Index of the first element in it.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Strides">Elements from one entry of an axis to the next; 0 for axes of one entry.</param>
internal sealed record TensorIdentity(nint Address, long Offset, Shape Shape, Shape Strides)
{
    private long Last => Offset + Shape.Zip(Strides, (size, stride) => (size - 1) * stride).Sum();

    /// <summary>Whether another tensor is a different view of some of the same elements, or interleaved with this one.</summary>
    public bool Overlaps(TensorIdentity other) =>
        this != other && Address == other.Address && Offset <= other.Last && other.Offset <= Last && Shape.ElementCount > 0 && other.Shape.ElementCount > 0;
}

/// <summary>Copies tensors from TorchSharp.</summary>
internal static class TorchTensors
{
    /// <summary>Whether a tensor has an element type that graphs support.</summary>
    public static bool CanCopy(torch.Tensor tensor) => tensor.dtype is torch.ScalarType.Float32 or torch.ScalarType.Int64;

    /// <summary>Identifies a tensor; several wrappers may hold the same one.</summary>
    public static TensorIdentity Identify(torch.Tensor tensor) => new(
        tensor.dtype == torch.ScalarType.Float32 ? tensor.storage<float>().data_ptr() : tensor.storage<long>().data_ptr(),
        tensor.storage_offset(), [.. tensor.shape], [.. tensor.shape.Zip(tensor.stride(), (size, stride) => size == 1 ? 0 : stride)]);

    /// <summary>A copy of a tensor's values.</summary>
    /// <param name="name">The tensor's name, for messages.</param>
    /// <param name="tensor">Float32 or Int64, on any device.</param>
    /// <exception cref="NotSupportedException">The tensor has another type.</exception>
    public static Tensor Copy(string name, torch.Tensor tensor)
    {
        if (!CanCopy(tensor))
        {
            throw new NotSupportedException($"Parameter '{name}' is {tensor.dtype}; only Float32 is supported: convert it with .to(torch.float32).");
        }

        using var onCpu = tensor.detach().cpu().contiguous();
        var type = tensor.dtype == torch.ScalarType.Float32 ? ElementType.Float32 : ElementType.Int64;
        return new Tensor(type, [.. tensor.shape], onCpu.bytes.ToArray());
    }
}
