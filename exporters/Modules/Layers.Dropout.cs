using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using Module = TorchSharp.torch.nn.Module;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    // Srivastava et al. 2014; Tompson et al. 2015, arXiv 1411.4280, for whole channels. The identity in evaluation.
    private static KeyValuePair<Type, LayerRule>[] Dropouts =>
    [
        Row<Dropout>((lowering, layer, x) => Drop(lowering, layer, layer.p, x, x.Shape)),
        Row<Dropout1d>((lowering, layer, x) => Drop(lowering, layer, layer.p, x, ChannelsOf(x))),
        Row<Dropout2d>((lowering, layer, x) => Drop(lowering, layer, layer.p, x, ChannelsOf(x))),
        Row<Dropout3d>((lowering, layer, x) => Drop(lowering, layer, layer.p, x, ChannelsOf(x))),
        Row<AlphaDropout>((lowering, layer, x) => DropAlpha(lowering, layer, layer.p, x, x.Shape)),
        Row<FeatureAlphaDropout>((lowering, layer, x) => DropAlpha(lowering, layer, layer.p, x, ChannelsOf(x))),
    ];

    private static Value Drop(ModuleLowering lowering, Module layer, double p, Value x, Shape mask) => p > 0 && lowering.IsTraining(layer)
        ? x * (Kept(lowering, layer, p, mask) * (p < 1 ? (float)(1 / (1 - p)) : 0f))
        : x;

    // Klambauer et al. 2017, arXiv 1706.02515, section 4: dropped entries become SELU's lowest value, and mean and variance are preserved.
    private static Value DropAlpha(ModuleLowering lowering, Module layer, double p, Value x, Shape mask)
    {
        if (p <= 0 || !lowering.IsTraining(layer))
        {
            return x;
        }

        const double lowest = -SeluScale * SeluAlpha;
        double a = p < 1 ? 1 / Math.Sqrt((1 - p) * (1 + (p * lowest * lowest))) : 0;
        var kept = Kept(lowering, layer, p, mask);
        return (x * ((float)a * kept)) + ((float)(a * lowest) * (1f - kept)) - (float)(a * lowest * p);
    }

    private static Value Kept(ModuleLowering lowering, Module layer, double p, Shape mask) =>
        Cast(GreaterOrEqual(lowering.Uniform(layer, mask), (float)p), ElementType.Float32);

    private static Shape ChannelsOf(Value x) => x.Shape.Rank < 2
        ? throw new ArgumentException($"the input '{x}' must have at least 2 axes: batch and channels.")
        : [x.Shape[0], x.Shape[1], .. Enumerable.Repeat(1L, x.Shape.Rank - 2)];
}
