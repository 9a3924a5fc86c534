using OnnxVae.Models.Networks;
using static TorchSharp.torch;

namespace OnnxVae.Models;

/// <summary>The two networks of a VAE with Gaussian posterior, as one TorchSharp module with children <c>encoder</c> and <c>decoder</c>.</summary>
public sealed class GaussianVae : nn.Module
{
    /// <summary>Builds both networks with TorchSharp's initialisation.</summary>
    /// <param name="network">Their architecture.</param>
    /// <param name="image">The images' shape.</param>
    /// <param name="latents">L, the number of latents.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one latent.</exception>
    public GaussianVae(VaeNetwork network, ImageShape image, int latents)
        : base(nameof(GaussianVae))
    {
        if (latents < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The number of latents is {latents}; a VAE needs at least 1.");
        }

        (Image, Latents) = (image, latents);
        Encoder = network.Encoder(image, latents);
        Decoder = network.Decoder(image, latents);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
    }

    /// <summary>The images' shape.</summary>
    public ImageShape Image { get; }

    /// <summary>L, the number of latents.</summary>
    public int Latents { get; }

    /// <summary>Images, Float32 [N, C, H, W] in [0, 1], to means and log-variances, [N, 2 L].</summary>
    public nn.Module<Tensor, Tensor> Encoder { get; }

    /// <summary>Latents, Float32 [N, L], to the likelihood's parameters, [N, C, H, W].</summary>
    public nn.Module<Tensor, Tensor> Decoder { get; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Encoder.Dispose();
            Decoder.Dispose();
        }

        base.Dispose(disposing);
    }
}
