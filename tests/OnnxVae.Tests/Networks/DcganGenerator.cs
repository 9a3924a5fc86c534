using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace OnnxVae.Tests.Networks;

/// <summary>The generator of a DCGAN (Radford, Metz and Chintala 2016, arXiv 1511.06434) for images of 16 x 16 pixels.</summary>
internal static class DcganGenerator
{
    public static Sequential Build(int latents, int width) => Sequential(
        Unflatten(1, [latents, 1, 1]),
        ConvTranspose2d(latents, 2 * width, 4, bias: false), BatchNorm2d(2 * width), ReLU(),
        ConvTranspose2d(2 * width, width, 4, stride: 2, padding: 1, bias: false), BatchNorm2d(width), ReLU(),
        ConvTranspose2d(width, 3, 4, stride: 2, padding: 1),
        Tanh());
}
