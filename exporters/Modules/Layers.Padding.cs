using OnnxVae.Exporters.Onnx;
using TorchSharp;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;

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

    // TorchSharp lists the paddings from the last axis on: before, after, before, after; or one number for all.
    private static Value PadImage(Value x, PadBase layer, int spatialRank, PaddingModes mode)
    {
        RequireImage(x, spatialRank);
        long[] padding = layer.padding.Length == 1 ? [.. Enumerable.Repeat(layer.padding[0], 2 * spatialRank)] : layer.padding;
        long[] Side(int side) => [.. Enumerable.Range(0, spatialRank).Select(i => padding[(2 * (spatialRank - 1 - i)) + side])];
        return PadImage(x, Side(0), Side(1), mode, (float)layer.value);
    }

    private static Value PadImage(Value x, long[] before, long[] after, PaddingModes mode, float value = 0f) => mode is PaddingModes.Zeros or PaddingModes.Constant
        ? Pad(x, [0, 0, .. before], [0, 0, .. after], value)
        : Enumerable.Range(0, before.Length).Aggregate(x, (y, i) => Gather(y, i + 2, PaddedIndices(y.Shape[i + 2], before[i], after[i], mode)));

    // Which old pixel stands at each new one.
    private static long[] PaddedIndices(long size, long before, long after, PaddingModes mode)
    {
        long most = mode switch
        {
            PaddingModes.Reflect => size - 1,
            PaddingModes.Circular => size,
            _ => long.MaxValue,
        };
        if (before < 0 || after < 0 || before > most || after > most)
        {
            throw new ArgumentException($"padding mode {mode} can add at most {most} pixels to each side of {size}, not {before} and {after}.");
        }

        long Source(long pixel) => mode switch
        {
            PaddingModes.Reflect => size - 1 - Math.Abs(size - 1 - Math.Abs(pixel)),
            PaddingModes.Circular => (pixel + size) % size,
            _ => Math.Clamp(pixel, 0, size - 1),
        };
        return [.. Enumerable.Range(0, (int)(before + size + after)).Select(i => Source(i - before))];
    }
}
