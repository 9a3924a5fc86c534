using OnnxVae.Exporters.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace OnnxVae.Models.Networks;

/// <summary>The convolutional parts of VQ-VAE and VQ-VAE-2: strided 4x4 convolutions and residual blocks.</summary>
/// <remarks>
/// Razavi, van den Oord and Vinyals 2019, arXiv 1906.00446, table 4 (256x256): 128 channels, 2 residual blocks of 64 channels, codes at
/// strides 4 and 8.
/// </remarks>
public sealed record QuantizedNetwork
{
    /// <summary>The stride of the bottom level's grid.</summary>
    public const int BottomStride = 4;

    /// <summary>The stride of the top level's grid, if there is one.</summary>
    public const int TopStride = 8;

    /// <summary>Channels between images and codes.</summary>
    public int Channels { get; init; } = 128;

    /// <summary>Channels inside residual blocks.</summary>
    public int ResidualChannels { get; init; } = 64;

    /// <summary>Residual blocks in each encoder and decoder.</summary>
    public int ResidualBlocks { get; init; } = 2;

    /// <summary>Images to features at <see cref="BottomStride"/>: [N, C, H, W] to [N, Channels, H / 4, W / 4].</summary>
    public nn.Module<Tensor, Tensor> BottomEncoder(int imageChannels) => Sequential(
    [
        Halve(imageChannels, Channels / 2), ReLU(), Halve(Channels / 2, Channels), ReLU(), Conv2d(Channels, Channels, 3, padding: 1), .. Residuals(),
    ]);

    /// <summary>Features at <see cref="BottomStride"/> to features at <see cref="TopStride"/>.</summary>
    public nn.Module<Tensor, Tensor> TopEncoder() => Sequential(
        [Halve(Channels, Channels / 2), ReLU(), Conv2d(Channels / 2, Channels, 3, padding: 1), .. Residuals()]);

    /// <summary>Features to the vectors that are quantized.</summary>
    public static nn.Module<Tensor, Tensor> ToVectors(int channels, int dimension) => Conv2d(channels, dimension, 1);

    /// <summary>The top level's vectors to features for the bottom level, at <see cref="BottomStride"/>, with as many channels.</summary>
    public nn.Module<Tensor, Tensor> TopDecoder(int dimension) => Sequential(
        [Conv2d(dimension, Channels, 3, padding: 1), .. Residuals(), Double(Channels, dimension)]);

    /// <summary>The top level's vectors at <see cref="BottomStride"/>, for the decoder.</summary>
    public static nn.Module<Tensor, Tensor> Upsampling(int dimension) => Double(dimension, dimension);

    /// <summary>All vectors at <see cref="BottomStride"/> to the likelihood's parameters, [N, C, H, W].</summary>
    /// <param name="dimensions">Their length, over all levels.</param>
    /// <param name="imageChannels">C.</param>
    public nn.Module<Tensor, Tensor> Decoder(int dimensions, int imageChannels) => Sequential(
    [
        Conv2d(dimensions, Channels, 3, padding: 1), .. Residuals(), Double(Channels, Channels / 2), ReLU(), Double(Channels / 2, imageChannels),
    ]);

    private static nn.Module<Tensor, Tensor> Halve(int from, int to) => Conv2d(from, to, 4, stride: 2, padding: 1);

    private static nn.Module<Tensor, Tensor> Double(int from, int to) => ConvTranspose2d(from, to, 4, stride: 2, padding: 1);

    private IEnumerable<nn.Module<Tensor, Tensor>> Residuals() =>
    [
        .. Enumerable.Range(0, ResidualBlocks).Select(_ => new Residual(Sequential(
            ReLU(), Conv2d(Channels, ResidualChannels, 3, padding: 1), ReLU(), Conv2d(ResidualChannels, Channels, 1)))),
        ReLU(),
    ];
}
