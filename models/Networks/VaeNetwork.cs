using OnnxVae.Format;
using OnnxVae.Models.Objectives;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>A pair of networks, encoder and decoder, for examples of any shape. Initialization is TorchSharp's.</summary>
public abstract record VaeNetwork
{
    /// <summary>The name in descriptions of models.</summary>
    public abstract string Name { get; }

    /// <summary>How Gaussian likelihoods read the decoder's output, for values in [0, 1].</summary>
    public virtual PixelMean PixelMean => PixelMean.Sigmoid;

    /// <summary>The encoder: examples as the model sees them, Float32 [N, C, ...], to the posterior's parameters, [N, P L].</summary>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="latents">L.</param>
    /// <param name="parameters">P: 2 for means, then log-variances; 1 for means alone.</param>
    public abstract nn.Module<Tensor, Tensor> Encoder(ExampleShape shape, int latents, int parameters);

    /// <summary>The decoder: latents, Float32 [N, L], to the likelihood's parameters, [N, C, ...].</summary>
    public abstract nn.Module<Tensor, Tensor> Decoder(ExampleShape shape, int latents);
}
