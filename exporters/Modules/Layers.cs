using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

/// <summary>The rows of <see cref="LayerTable.Default"/>, by kind of layer, one row per layer.</summary>
internal static partial class Layers
{
    public static KeyValuePair<Type, LayerRule>[] Rules =>
    [
        Row<Sequential>((lowering, sequential, x) => sequential.named_children().Aggregate(x, (y, child) => lowering.Lower(child.Item2, y))),
        .. Linear,
        .. Convolutions,
        .. Poolings,
        .. Normalizations,
        .. Dropouts,
        .. Activations,
        .. Paddings,
        .. Reshapings,
        .. Attention,
        .. Recurrent,
        .. Losses,
    ];

    private static Value? Optional(ModuleLowering lowering, Parameter? parameter) => parameter is null ? null : lowering.Parameter(parameter);

    internal static KeyValuePair<Type, LayerRule> Row<TModule>(Func<ModuleLowering, TModule, Value, Value> lower)
        where TModule : Module => Row<TModule>(1, 1, (lowering, module, inputs) => [lower(lowering, module, inputs[0])]);

    private static KeyValuePair<Type, LayerRule> Row<TModule>(Func<TModule, Value, Value> lower)
        where TModule : Module => Row<TModule>((_, module, x) => lower(module, x));

    private static KeyValuePair<Type, LayerRule> Row<TModule>(Func<ModuleLowering, TModule, Value, Value, Value> lower)
        where TModule : Module => Row<TModule>(2, 2, (lowering, module, inputs) => [lower(lowering, module, inputs[0], inputs[1])]);

    private static KeyValuePair<Type, LayerRule> Row<TModule>(Func<TModule, Value, Value, Value> lower)
        where TModule : Module => Row<TModule>((_, module, a, b) => lower(module, a, b));

    private static KeyValuePair<Type, LayerRule> Row<TModule>(
        int least, int most, Func<ModuleLowering, TModule, IReadOnlyList<Value>, IReadOnlyList<Value>> lower)
        where TModule : Module => new(typeof(TModule), (lowering, module, inputs) => inputs.Count >= least && inputs.Count <= most
            ? lower(lowering, (TModule)module, inputs)
            : throw new ArgumentException($"it was given {inputs.Count} input(s); expected {(least == most ? $"{least}" : $"{least} to {most}")}."));
}
