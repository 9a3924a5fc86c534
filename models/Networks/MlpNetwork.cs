using OnnxVae.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>Dense layers with ReLU: d - hidden - 2 L and L - hidden - d.</summary>
/// <remarks>With one hidden layer of 400, the network of the PyTorch VAE example, after Kingma and Welling 2014, arXiv 1312.6114, appendix C.</remarks>
/// <param name="Hidden">Widths of the encoder's hidden layers; the decoder has them in reverse order.</param>
public sealed record MlpNetwork(params IReadOnlyList<int> Hidden) : VaeNetwork
{
    private const long LargestLayer = 1 << 28; // weights, 1 GiB

    /// <inheritdoc/>
    public override string Name => "mlp";

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Encoder(ExampleShape shape, int latents, int parameters) =>
        Sequential([Flatten(), .. Dense([shape.Dimensions, .. Hidden, parameters * latents])]);

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor> Decoder(ExampleShape shape, int latents) => Sequential(
        [.. Dense([latents, .. Hidden.Reverse(), shape.Dimensions]), SpatialLayers.ToShape(shape)]);

    private static IEnumerable<nn.Module<Tensor, Tensor>> Dense(int[] widths)
    {
        foreach (var (from, to) in widths.Zip(widths.Skip(1)))
        {
            if ((long)from * to > LargestLayer)
            {
                throw new ArgumentException(
                    $"A dense layer from {from} to {to} numbers has {(long)from * to} weights; there may be at most {LargestLayer}: take narrower layers, fewer latents or smaller examples.");
            }
        }

        return Enumerable.Range(0, widths.Length - 1).SelectMany(i => i == 0
            ? (nn.Module<Tensor, Tensor>[])[Linear(widths[i], widths[i + 1])]
            : [ReLU(), Linear(widths[i], widths[i + 1])]);
    }
}
