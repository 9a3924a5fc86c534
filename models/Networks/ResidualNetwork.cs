using OnnxVae.Exporters.Modules;
using OnnxVae.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>
/// Residual blocks with group normalization and SiLU, one at every resolution; convolutions of size 4 with stride 2 on the way
/// down, nearest upsampling and convolutions of size 3 on the way up.
/// </summary>
/// <remarks>
/// Pre-activation blocks: He et al. 2016, arXiv 1603.05027. Their form with group normalization and SiLU is that of
/// Ho, Jain and Abbeel 2020, arXiv 2006.11239, appendix B.
/// </remarks>
public sealed record ResidualNetwork : VaeNetwork
{
    private const int SmallestSide = 8;
    private const int MostGroups = 32;
    private const int FewestChannelsPerGroup = 4;

    /// <summary>Channels of every layer between the examples and the latents.</summary>
    public int Channels { get; init; } = 128;

    /// <inheritdoc/>
    public override string Name => "residual";

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Encoder(ExampleShape shape, int latents, int parameters)
    {
        var (halvings, axes) = (Halvings(shape), shape.Sides.Count);
        var smallest = new ExampleShape(Channels, [.. shape.Sides.Select(side => side >> halvings)]); // at the lowest resolution
        return Sequential(
        [
            SameSize(axes, shape.Channels, Channels),
            .. Enumerable.Range(0, halvings).SelectMany(_ => (nn.Module<Tensor, Tensor>[])[Block(axes), SpatialLayers.Convolution(axes, Channels, Channels, 4, stride: 2, padding: 1)]),
            Block(axes), Norm(), SiLU(),
            Flatten(), Linear(smallest.Dimensions, parameters * latents),
        ]);
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ExampleShape shape, int latents)
    {
        var (halvings, axes) = (Halvings(shape), shape.Sides.Count);
        var smallest = new ExampleShape(Channels, [.. shape.Sides.Select(side => side >> halvings)]); // at the lowest resolution
        return Sequential(
        [
            Linear(latents, smallest.Dimensions), SpatialLayers.ToShape(smallest),
            Block(axes),
            .. Enumerable.Range(0, halvings).SelectMany(_ => (nn.Module<Tensor, Tensor>[])
                [SpatialLayers.Upsampling(axes, 2), SameSize(axes, Channels, Channels), Block(axes)]),
            Norm(), SiLU(), SameSize(axes, Channels, shape.Channels),
        ]);
    }

    // As long as all sides are even and the shortest one has at least 16 pixels.
    private int Halvings(ExampleShape shape)
    {
        SpatialLayers.Require(shape, Name);
        int halvings = 0;
        for (int[] sides = [.. shape.Sides]; sides.Min() >= 2 * SmallestSide && sides.All(side => side % 2 == 0); sides = [.. sides.Select(side => side / 2)])
        {
            halvings++;
        }

        return halvings;
    }

    private Residual Block(int axes) => new(Sequential(
        Norm(), SiLU(), SameSize(axes, Channels, Channels), Norm(), SiLU(), SameSize(axes, Channels, Channels)));

    private static nn.Module<Tensor, Tensor> SameSize(int axes, int from, int to) => SpatialLayers.Convolution(axes, from, to, 3, stride: 1, padding: 1);

    // TorchSharp 0.107 leaves the weights of a new GroupNorm uninitialized.
    private TorchSharp.Modules.GroupNorm Norm()
    {
        int most = Math.Clamp(Channels / FewestChannelsPerGroup, 1, MostGroups);
        var norm = GroupNorm(Enumerable.Range(1, most).Last(groups => Channels % groups == 0), Channels);
        init.ones_(norm.weight);
        init.zeros_(norm.bias);
        return norm;
    }
}
