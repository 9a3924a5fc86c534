using OnnxVae.Exporters.Onnx;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>>[] Activations =>
    [
        Row<ReLU>((_, x) => Relu(x)),
        Row<LeakyReLU>((layer, x) => LeakyRelu(x, (float)layer.negative_slope)),
        Row<ELU>((layer, x) => Elu(x, (float)layer.alpha)),
        Row<SiLU>((_, x) => x * Sigmoid(x)),
        Row<GELU>(Gelu),
        Row<Sigmoid>((_, x) => Sigmoid(x)),
        Row<Tanh>((_, x) => Tanh(x)),
        Row<Softplus>((layer, x) => Softplus((float)layer.beta * x) * (float)(1 / layer.beta)),
    ];

    // Hendrycks and Gimpel 2016, arXiv 1606.08415: x Phi(x), or its approximation by tanh.
    private static Value Gelu(GELU layer, Value x) => layer.approximate == GELU.Approximate.none
        ? 0.5f * x * (1f + Erf(MathF.Sqrt(0.5f) * x))
        : 0.5f * x * (1f + Tanh(MathF.Sqrt(2 / MathF.PI) * (x + (0.044715f * x * Square(x)))));
}
