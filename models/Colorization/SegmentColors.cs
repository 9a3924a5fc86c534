using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Modules;
using TorchSharp;
using LayerModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;
using Parameter = TorchSharp.Modules.Parameter;

namespace OnnxVae.Models.Colorization;

/// <summary>One Gaussian color for each segment, whatever the luminance: the most restricted P(y|z,x).</summary>
internal sealed class SegmentColors : LayerModule, ILowerable
{
    // Far enough apart for each segment to begin with pixels of its own: alike, they would end as one.
    private const double Spread = 0.15, FirstLogSigma = -2.5;

    private readonly Parameter colors;

    /// <summary>Draws the first colors.</summary>
    /// <param name="segments">K.</param>
    public SegmentColors(int segments)
        : base(nameof(SegmentColors))
    {
        colors = new Parameter(First(segments).reshape(1, segments * 2 * Chroma.Channels, 1, 1));
        RegisterComponents();
    }

    /// <summary>Draws first means and logarithms of standard deviations, Float32 [4 K].</summary>
    /// <param name="segments">K.</param>
    public static torch.Tensor First(int segments) =>
        torch.cat([torch.randn(segments, Chroma.Channels) * Spread, torch.full(segments, Chroma.Channels, FirstLogSigma)], 1).reshape(2 * Chroma.Channels * segments);

    public override torch.Tensor forward(torch.Tensor x) => colors;

    public Value Lower(ModuleLowering lowering, Value x) => lowering.Parameter(colors);
}
