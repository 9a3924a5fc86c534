using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace OnnxVae.Models.Networks;

/// <summary>
/// Convolutions 4x4 with stride 2 and ReLU, then dense layers; the decoder mirrors the encoder. Every convolution halves
/// the image, as long as its shorter side has at least 8 pixels.
/// </summary>
/// <remarks>At 64x64 with the default widths, the network for dSprites of Higgins et al. 2017 (beta-VAE), table 1, and Burgess et al. 2018, arXiv 1804.03599.</remarks>
public sealed record ConvNetwork : VaeNetwork
{
    private const int SmallestHalvedSide = 8;
    private const int Kernel = 4;
    private const int Stride = 2;
    private const int Padding = 1;

    /// <summary>Channels at increasing depth; fewer or more layers take evenly spaced entries.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [32, 32, 64, 64];

    /// <summary>Width of the dense layer between convolutions and latents.</summary>
    public int Dense { get; init; } = 256;

    /// <inheritdoc/>
    public override string Name => "conv";

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Encoder(ImageShape image, int latents, int parameters)
    {
        var sizes = Pyramid(image);
        return Sequential(
        [
            .. sizes.Zip(sizes.Skip(1)).SelectMany(pair => Halve(pair.First, pair.Second)),
            Flatten(), Linear(sizes[^1].Dimensions, Dense), ReLU(), Linear(Dense, parameters * latents),
        ]);
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ImageShape image, int latents)
    {
        var sizes = Pyramid(image);
        sizes.Reverse();
        var top = sizes[0];
        return Sequential(
        [
            Linear(latents, Dense), ReLU(), Linear(Dense, top.Dimensions), Unflatten(1, [top.Channels, top.Height, top.Width]),
            .. sizes.Zip(sizes.Skip(1)).SelectMany(pair => Double(pair.First, pair.Second)),
        ]);
    }

    private static nn.Module<Tensor, Tensor>[] Halve(ImageShape from, ImageShape to) =>
        [Conv2d(from.Channels, to.Channels, Kernel, Stride, Padding), ReLU()];

    // A kernel of 5 instead of 4 restores the odd row or column that halving dropped.
    private static nn.Module<Tensor, Tensor>[] Double(ImageShape from, ImageShape to) =>
    [
        ReLU(),
        ConvTranspose2d(
            from.Channels, to.Channels, (Kernel + (to.Height % Stride), Kernel + (to.Width % Stride)), stride: (Stride, Stride), padding: (Padding, Padding)),
    ];

    // The image itself and the output of each convolution.
    private List<ImageShape> Pyramid(ImageShape image)
    {
        int layers = 0;
        for (int side = Math.Min(image.Height, image.Width); side >= SmallestHalvedSide; side /= Stride)
        {
            layers++;
        }

        List<ImageShape> sizes = [image];
        for (int i = 0; i < layers; i++)
        {
            sizes.Add(new ImageShape(Channels[i * Channels.Count / layers], sizes[i].Height / Stride, sizes[i].Width / Stride));
        }

        return sizes;
    }
}
