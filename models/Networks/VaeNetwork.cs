using OnnxVae.Models.Objectives;
using static TorchSharp.torch;

namespace OnnxVae.Models.Networks;

/// <summary>A pair of networks, encoder and decoder, for images of any shape. Initialization is TorchSharp's.</summary>
public abstract record VaeNetwork
{
    /// <summary>The name in descriptions of models.</summary>
    public abstract string Name { get; }

    /// <summary>How Gaussian likelihoods read the decoder's output.</summary>
    public virtual PixelMean PixelMean => PixelMean.Sigmoid;

    /// <summary>The encoder: images, Float32 [N, C, H, W] with values in [0, 1], to the posterior's parameters, [N, P L].</summary>
    /// <param name="image">The images' shape.</param>
    /// <param name="latents">L.</param>
    /// <param name="parameters">P: 2 for means, then log-variances; 1 for means alone.</param>
    public abstract nn.Module<Tensor, Tensor> Encoder(ImageShape image, int latents, int parameters);

    /// <summary>The decoder: latents, Float32 [N, L], to the likelihood's parameters, [N, C, H, W].</summary>
    public abstract nn.Module<Tensor, Tensor> Decoder(ImageShape image, int latents);
}
