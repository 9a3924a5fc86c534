using OnnxVae.Format;
using OnnxVae.Models.Networks;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.VqVae;

/// <summary>
/// The networks of an autoencoder whose latents are codes: grids of vectors that a quantizer chooses from a finite set. With a top level,
/// the bottom level sees what the top level's codes already encode, and the decoder sees both.
/// </summary>
/// <remarks>
/// One level: VQ-VAE, van den Oord et al. 2017, arXiv 1711.00937. Two levels: VQ-VAE-2, Razavi et al. 2019, arXiv 1906.00446, figure 2a.
/// Children: <c>encoderBottom</c>, <c>vectorsBottom</c>, <c>decoder</c>; <c>encoderTop</c>, <c>vectorsTop</c>, <c>decoderTop</c>, <c>upsamplingTop</c>.
/// </remarks>
public sealed class VqVaeNetworks : ComposedModule
{
    /// <summary>Builds the networks with TorchSharp's initialization.</summary>
    /// <param name="network">Their architecture.</param>
    /// <param name="image">The images' shape.</param>
    /// <param name="dimension">D, the length of the vectors that are quantized, at each level.</param>
    /// <param name="hasTop">Whether there are two levels.</param>
    /// <param name="seed">Random seed of the initial weights: the same seed, the same weights. Null to draw them from torch's generator as it is.</param>
    /// <exception cref="ArgumentException">The examples are not images, or their sides are not multiples of the stride.</exception>
    public VqVaeNetworks(QuantizedNetwork network, ExampleShape image, int dimension, bool hasTop, ulong? seed = null)
        : base(nameof(VqVaeNetworks))
    {
        if (!image.IsImage)
        {
            throw new ArgumentException($"The examples are {image.Noun} of {image.Description}, but codes are for images: choose 'mlp', 'conv', 'linear' or 'residual'.", nameof(image));
        }

        int stride = hasTop ? QuantizedNetwork.TopStride : QuantizedNetwork.BottomStride;
        if (image.Height % stride != 0 || image.Width % stride != 0)
        {
            throw new ArgumentException(
                $"The images have {image.Height} x {image.Width} pixels, but a model with {(hasTop ? "two levels" : "one level")} of codes takes multiples of {stride}: scale them, to sides of {(Math.Max(image.Height, image.Width) + stride - 1) / stride * stride} for instance.", nameof(image));
        }

        (Image, Dimension) = (image, dimension);
        using var seeded = Initialization.UseSeed(seed);
        EncoderBottom = network.BottomEncoder(image.Channels);
        Decoder = network.Decoder(hasTop ? 2 * dimension : dimension, image.Channels);
        VectorsBottom = QuantizedNetwork.ToVectors(hasTop ? network.Channels + dimension : network.Channels, dimension);
        register_module("encoderBottom", EncoderBottom);
        register_module("vectorsBottom", VectorsBottom);
        register_module("decoder", Decoder);
        if (hasTop)
        {
            Top = new TopLevel(network.TopEncoder(), QuantizedNetwork.ToVectors(network.Channels, dimension), network.TopDecoder(dimension), QuantizedNetwork.Upsampling(dimension));
            register_module("encoderTop", Top.Encoder);
            register_module("vectorsTop", Top.Vectors);
            register_module("decoderTop", Top.Decoder);
            register_module("upsamplingTop", Top.Upsampling);
        }
    }

    /// <summary>The images' shape.</summary>
    public ExampleShape Image { get; }

    /// <summary>D, the length of the vectors that are quantized.</summary>
    public int Dimension { get; }

    /// <summary>Images, Float32 [N, C, H, W] in [0, 1], to features of the bottom level.</summary>
    public nn.Module<Tensor, Tensor> EncoderBottom { get; }

    /// <summary>Features, after those from the top level, to the vectors that the bottom level quantizes, [N, D, H / 4, W / 4].</summary>
    public nn.Module<Tensor, Tensor> VectorsBottom { get; }

    /// <summary>Quantized vectors, the top level's first, to the likelihood's parameters, [N, C, H, W].</summary>
    public nn.Module<Tensor, Tensor> Decoder { get; }

    /// <summary>The top level; null for a model with one.</summary>
    public TopLevel? Top { get; }

    /// <summary>Rows and columns of the bottom level's grid.</summary>
    public (int Height, int Width) BottomGrid => (Image.Height / QuantizedNetwork.BottomStride, Image.Width / QuantizedNetwork.BottomStride);

    /// <summary>Rows and columns of the top level's grid.</summary>
    public (int Height, int Width) TopGrid => (Image.Height / QuantizedNetwork.TopStride, Image.Width / QuantizedNetwork.TopStride);

    /// <summary>The networks of the top level.</summary>
    /// <param name="Encoder">Features of the bottom level to its own.</param>
    /// <param name="Vectors">Features to the vectors that are quantized, [N, D, H / 8, W / 8].</param>
    /// <param name="Decoder">Quantized vectors to features for the bottom level, [N, D, H / 4, W / 4].</param>
    /// <param name="Upsampling">Quantized vectors to the size of the bottom level, for the decoder.</param>
    public sealed record TopLevel(nn.Module<Tensor, Tensor> Encoder, nn.Module<Tensor, Tensor> Vectors, nn.Module<Tensor, Tensor> Decoder, nn.Module<Tensor, Tensor> Upsampling);
}
