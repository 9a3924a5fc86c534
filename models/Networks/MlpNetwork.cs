using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace OnnxVae.Models.Networks;

/// <summary>Dense layers with ReLU: d - hidden - 2 L and L - hidden - d.</summary>
/// <remarks>With one hidden layer of 400, the network of the PyTorch VAE example, after Kingma and Welling 2014, arXiv 1312.6114, appendix C.</remarks>
/// <param name="Hidden">Widths of the encoder's hidden layers; the decoder has them in reverse.</param>
public sealed record MlpNetwork(params IReadOnlyList<int> Hidden) : VaeNetwork
{
    /// <inheritdoc/>
    public override string Name => "mlp";

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Encoder(ImageShape image, int latents, int parameters) =>
        Sequential([Flatten(), .. Dense([image.Dimensions, .. Hidden, parameters * latents])]);

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ImageShape image, int latents) => Sequential(
        [.. Dense([latents, .. Hidden.Reverse(), image.Dimensions]), Unflatten(1, [image.Channels, image.Height, image.Width])]);

    private static IEnumerable<nn.Module<Tensor, Tensor>> Dense(int[] widths)
    {
        for (int i = 0; i + 1 < widths.Length; i++)
        {
            if (i > 0)
            {
                yield return ReLU();
            }

            yield return Linear(widths[i], widths[i + 1]);
        }
    }
}
