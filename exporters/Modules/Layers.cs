using OnnxVae.Exporters.Onnx;
using TorchSharp.Modules;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>The table of module lowerings: TorchSharp module type to operators, one row per layer.</summary>
internal static partial class Layers
{
    public static Dictionary<Type, Func<ModuleLowering, Module, Value, Value>> Rules { get; } = new(
    [
        Row<Sequential>((lowering, sequential, x) => sequential.named_children().Aggregate(x, (y, child) => lowering.Lower(child.Item2, y))),
        .. Linear,
        .. Convolutions,
        .. Activations,
        .. Reshapings,
    ]);

    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>> Row<TModule>(Func<ModuleLowering, TModule, Value, Value> lower)
        where TModule : Module => new(typeof(TModule), (lowering, module, x) => lower(lowering, (TModule)module, x));

    private static KeyValuePair<Type, Func<ModuleLowering, Module, Value, Value>> Row<TModule>(Func<TModule, Value, Value> lower)
        where TModule : Module => Row<TModule>((_, module, x) => lower(module, x));
}
