using OnnxVae.Exporters.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace OnnxVae.Models.Networks;

/// <summary>
/// Residual blocks with group normalization and SiLU, one at every resolution; 4x4 convolutions with stride 2 on the way
/// down, nearest upsampling and 3x3 convolutions on the way up.
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

    /// <summary>Channels of every layer between the images and the latents.</summary>
    public int Channels { get; init; } = 128;

    /// <inheritdoc/>
    public override string Name => "residual";

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Encoder(ImageShape image, int latents, int parameters)
    {
        int halvings = Halvings(image);
        return Sequential(
        [
            Conv2d(image.Channels, Channels, 3, padding: 1),
            .. Enumerable.Range(0, halvings).SelectMany(_ => (nn.Module<Tensor, Tensor>[])[Block(), Conv2d(Channels, Channels, 4, stride: 2, padding: 1)]),
            Block(), Norm(), SiLU(),
            Flatten(), Linear(Channels * (image.Height >> halvings) * (image.Width >> halvings), parameters * latents),
        ]);
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ImageShape image, int latents)
    {
        int halvings = Halvings(image), height = image.Height >> halvings, width = image.Width >> halvings;
        return Sequential(
        [
            Linear(latents, Channels * height * width), Unflatten(1, [Channels, height, width]),
            Block(),
            .. Enumerable.Range(0, halvings).SelectMany(_ => (nn.Module<Tensor, Tensor>[])
                [Upsample(scale_factor: [2, 2]), Conv2d(Channels, Channels, 3, padding: 1), Block()]),
            Norm(), SiLU(), Conv2d(Channels, image.Channels, 3, padding: 1),
        ]);
    }

    // As long as both sides are even and the shorter one has at least 16 pixels.
    private static int Halvings(ImageShape image)
    {
        int halvings = 0;
        for (int height = image.Height, width = image.Width; Math.Min(height, width) >= 2 * SmallestSide && height % 2 == 0 && width % 2 == 0; height /= 2, width /= 2)
        {
            halvings++;
        }

        return halvings;
    }

    private Residual Block() => new(Sequential(
        Norm(), SiLU(), Conv2d(Channels, Channels, 3, padding: 1), Norm(), SiLU(), Conv2d(Channels, Channels, 3, padding: 1)));

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
