using OnnxVae.Exporters.Onnx;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>>[] Linear =>
    [
        Row<Linear>((lowering, layer, x) =>
            Gemm(x, lowering.Parameter(layer.weight), layer.bias is null ? null : lowering.Parameter(layer.bias), transB: true)),
    ];
}
