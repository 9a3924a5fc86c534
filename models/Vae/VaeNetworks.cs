using OnnxVae.Models.Networks;
using OnnxVae.Models.Objectives;
using static TorchSharp.torch;

namespace OnnxVae.Models.Vae;

/// <summary>The two networks of a VAE, as one TorchSharp module with children <c>encoder</c> and <c>decoder</c>.</summary>
public sealed class VaeNetworks : ComposedModule
{
    /// <summary>Builds both networks with TorchSharp's initialization.</summary>
    /// <param name="network">Their architecture.</param>
    /// <param name="image">The images' shape.</param>
    /// <param name="latents">L, the number of latents.</param>
    /// <param name="posterior">What the encoder's output describes.</param>
    /// <param name="seed">Random seed of the initial weights: the same seed, the same weights. Null to draw them from torch's generator as it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one latent.</exception>
    public VaeNetworks(VaeNetwork network, ImageShape image, int latents, PosteriorKind posterior = PosteriorKind.Gaussian, ulong? seed = null)
        : base(nameof(VaeNetworks))
    {
        if (latents < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(latents), $"The number of latents is {latents}; a VAE needs at least 1.");
        }

        (Architecture, Image, Latents, Posterior) = (network.Name, image, latents, posterior);
        using var seeded = Initialization.UseSeed(seed);
        Encoder = network.Encoder(image, latents, Objectives.Posterior.ParametersPerLatent(posterior));
        Decoder = network.Decoder(image, latents);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
    }

    /// <summary>The architecture's name.</summary>
    public string Architecture { get; }

    /// <summary>The images' shape.</summary>
    public ImageShape Image { get; }

    /// <summary>L, the number of latents.</summary>
    public int Latents { get; }

    /// <summary>What the encoder's output describes.</summary>
    public PosteriorKind Posterior { get; }

    /// <summary>Images, Float32 [N, C, H, W] in [0, 1], to the posterior's parameters: means and log-variances, [N, 2 L], or means alone, [N, L].</summary>
    public nn.Module<Tensor, Tensor> Encoder { get; }

    /// <summary>Latents, Float32 [N, L], to the likelihood's parameters, [N, C, H, W].</summary>
    public nn.Module<Tensor, Tensor> Decoder { get; }
}
