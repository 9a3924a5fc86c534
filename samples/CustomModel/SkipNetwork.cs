using OnnxVae.Format;
using OnnxVae.Models.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Residual = OnnxVae.Exporters.Modules.Residual;
using Tensor = TorchSharp.torch.Tensor;

namespace CustomModel;

/// <summary>Two convolutions of stride 2, a dense layer with a skip connection, and back.</summary>
/// <param name="Width">Features of the dense layer.</param>
internal sealed record SkipNetwork(int Width) : VaeNetwork
{
    private const int Channels = 16;

    public override string Name => "skip";

    public override nn.Module<Tensor, Tensor> Encoder(ExampleShape image, int latents, int parameters) => Sequential(
        Conv2d(image.Channels, Channels, 4, stride: 2, padding: 1), ReLU(),
        Conv2d(Channels, Channels, 4, stride: 2, padding: 1), ReLU(),
        Flatten(), Linear(Features(image), Width), Skip(), ReLU(),
        Linear(Width, parameters * latents));

    public override nn.Module<Tensor, Tensor> Decoder(ExampleShape image, int latents) => Sequential(
        Linear(latents, Width), Skip(), ReLU(),
        Linear(Width, Features(image)), ReLU(), Unflatten(1, [Channels, image.Height / 4, image.Width / 4]),
        ConvTranspose2d(Channels, Channels, 4, stride: 2, padding: 1), ReLU(),
        ConvTranspose2d(Channels, image.Channels, 4, stride: 2, padding: 1));

    private Residual Skip() => new(Sequential(ReLU(), Linear(Width, Width)));

    private static int Features(ExampleShape image) => Channels * image.Height / 4 * image.Width / 4;
}
