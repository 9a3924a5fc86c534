using OnnxVae.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>
/// Convolutions of size 4 with stride 2 and ReLU, then dense layers; the decoder mirrors the encoder. Every convolution halves
/// the image, as long as its shorter side has at least 8 pixels; that of series and volumes likewise.
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
    public override nn.Module<Tensor, Tensor> Encoder(ExampleShape shape, int latents, int parameters)
    {
        var sizes = Pyramid(shape);
        return Sequential(
        [
            .. sizes.Zip(sizes.Skip(1)).SelectMany(pair => Halve(pair.First, pair.Second)),
            Flatten(), Linear(sizes[^1].Dimensions, Dense), ReLU(), Linear(Dense, parameters * latents),
        ]);
    }

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ExampleShape shape, int latents)
    {
        var sizes = Pyramid(shape);
        sizes.Reverse();
        var top = sizes[0];
        return Sequential(
        [
            Linear(latents, Dense), ReLU(), Linear(Dense, top.Dimensions), SpatialLayers.ToShape(top),
            .. sizes.Zip(sizes.Skip(1)).SelectMany(pair => Double(pair.First, pair.Second)),
        ]);
    }

    private static nn.Module<Tensor, Tensor>[] Halve(ExampleShape from, ExampleShape to) =>
        [SpatialLayers.Convolution(from.Sides.Count, from.Channels, to.Channels, Kernel, Stride, Padding), ReLU()];

    // A kernel of 5 instead of 4 restores the odd row or column that halving dropped.
    private static nn.Module<Tensor, Tensor>[] Double(ExampleShape from, ExampleShape to) =>
        [ReLU(), SpatialLayers.Transposed(from.Channels, to.Channels, [.. to.Sides.Select(side => Kernel + (side % Stride))], Stride, Padding)];

    // The example itself and the output of each convolution.
    private List<ExampleShape> Pyramid(ExampleShape shape)
    {
        SpatialLayers.Require(shape, Name);
        int layers = 0;
        for (int side = shape.Sides.Min(); side >= SmallestHalvedSide; side /= Stride)
        {
            layers++;
        }

        List<ExampleShape> sizes = [shape];
        for (int i = 0; i < layers; i++)
        {
            sizes.Add(new ExampleShape(Channels[i * Channels.Count / layers], [.. sizes[i].Sides.Select(side => side / Stride)]));
        }

        return sizes;
    }
}
