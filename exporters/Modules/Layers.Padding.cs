using OnnxVae.Exporters.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Paddings =>
    [
        Row<ConstantPad1d>((layer, x) => PadImage(x, layer, 1, PaddingModes.Constant)),
        Row<ConstantPad2d>((layer, x) => PadImage(x, layer, 2, PaddingModes.Constant)),
        Row<ConstantPad3d>((layer, x) => PadImage(x, layer, 3, PaddingModes.Constant)),
        Row<ZeroPad2d>((layer, x) => PadImage(x, layer, 2, PaddingModes.Zeros)),
        Row<ReflectionPad1d>((layer, x) => PadImage(x, layer, 1, PaddingModes.Reflect)),
        Row<ReflectionPad2d>((layer, x) => PadImage(x, layer, 2, PaddingModes.Reflect)),
        Row<ReflectionPad3d>((layer, x) => PadImage(x, layer, 3, PaddingModes.Reflect)),
        Row<ReplicationPad1d>((layer, x) => PadImage(x, layer, 1, PaddingModes.Replicate)),
        Row<ReplicationPad2d>((layer, x) => PadImage(x, layer, 2, PaddingModes.Replicate)),
        Row<ReplicationPad3d>((layer, x) => PadImage(x, layer, 3, PaddingModes.Replicate)),
    ];

    // TorchSharp lists the paddings starting with the last axis: before, after, before, after; or one number for all.
    private static Value PadImage(Value x, PadBase layer, int spatialRank, PaddingModes mode)
    {
        RequireImage(x, spatialRank);
        long[] padding = layer.padding.Length == 1 ? [.. Enumerable.Repeat(layer.padding[0], 2 * spatialRank)] : layer.padding;
        long[] Side(int side) => [.. Enumerable.Range(0, spatialRank).Select(i => padding[(2 * (spatialRank - 1 - i)) + side])];
        return PadImage(x, Side(0), Side(1), mode, (float)layer.value);
    }

    private static Value PadImage(Value x, long[] before, long[] after, PaddingModes mode, float value = 0f) => mode is PaddingModes.Zeros or PaddingModes.Constant
        ? Pad(x, [0, 0, .. before], [0, 0, .. after], value)
        : Enumerable.Range(0, before.Length).Aggregate(x, (y, i) => Pad(y, i + 2, before[i], after[i], RuleOf(mode)));

    private static EdgeRule RuleOf(PaddingModes mode) => mode switch
    {
        PaddingModes.Reflect => EdgeRule.Reflect,
        PaddingModes.Circular => EdgeRule.Wrap,
        _ => EdgeRule.Edge,
    };
}
