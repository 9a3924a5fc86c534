using OnnxVae.Exporters.Onnx;
using TorchSharp;

namespace OnnxVae.Exporters.Modules;

/// <summary>Copies tensors from TorchSharp.</summary>
internal static class TorchTensors
{
    /// <summary>A copy of a tensor's values.</summary>
    /// <param name="name">The tensor's name, for messages.</param>
    /// <param name="tensor">Float32, on any device.</param>
    /// <exception cref="NotSupportedException">The tensor is not Float32.</exception>
    public static Tensor Copy(string name, torch.Tensor tensor)
    {
        if (tensor.dtype != torch.ScalarType.Float32)
        {
            throw new NotSupportedException($"Parameter '{name}' is {tensor.dtype}; only Float32 is supported: convert it with .to(torch.float32).");
        }

        using var onCpu = tensor.detach().cpu().contiguous();
        return Tensor.From<float>([.. tensor.shape], onCpu.data<float>().ToArray());
    }
}
