using OnnxVae.Format;
using OnnxVae.Models.Networks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Colorization;

/// <summary>What the colors of a segment may depend on.</summary>
public enum ColorDecoder
{
    /// <summary>One Gaussian per segment.</summary>
    Segment,

    /// <summary>The luminance of 3 x 3 pixels, too.</summary>
    Local,

    /// <summary>The whole grayscale image, and all segments.</summary>
    Unrestricted,
}

/// <summary>The networks of a colorization model: P(z|x), P(y|z,x) and, unless Q is the exact posterior, Q(z|x,y).</summary>
public sealed class ColorizationNetworks : ComposedModule
{
    private const int LocalWidth = 32;

    /// <summary>Builds the networks.</summary>
    /// <param name="image">The images' shape: three channels.</param>
    /// <param name="segments">K.</param>
    /// <param name="stride">Pixels per cell of the grid of segments, along each side: 1, 2 or 4.</param>
    /// <param name="decoder">What colors may depend on.</param>
    /// <param name="hasPosterior">Whether there is a network for Q(z|x,y).</param>
    /// <param name="width">Channels of the networks at full resolution.</param>
    /// <param name="seed">Random seed of the initial weights; null to draw them from torch's generator as it is.</param>
    /// <exception cref="ArgumentException">The images are not in color, there are fewer than two segments, or the stride does not divide the images.</exception>
    public ColorizationNetworks(ExampleShape image, int segments, int stride, ColorDecoder decoder, bool hasPosterior, int width = 16, ulong? seed = null)
        : base(nameof(ColorizationNetworks))
    {
        if (!image.IsImage || image.Channels != 3)
        {
            throw new ArgumentException($"The {image.Noun} are {image.Description}; colorization is learned from images in color.", nameof(image));
        }

        if (segments < 2)
        {
            throw new ArgumentException($"The number of segments is {segments}; a segmentation needs at least 2.", nameof(segments));
        }

        if (stride is not (1 or 2 or 4) || image.Height % stride != 0 || image.Width % stride != 0)
        {
            throw new ArgumentException($"The stride is {stride}, and the images are {image.Height} x {image.Width}; expected 1, 2 or 4, a divisor of both sides.", nameof(stride));
        }

        (Image, Segments, Stride, Restriction) = (image, segments, stride, decoder);
        using var seeded = Initialization.UseSeed(seed);
        Prior = new ContextNetwork(1, segments, width, stride);
        register_module("prior", Prior);
        Decoder = decoder switch
        {
            ColorDecoder.Segment => new SegmentColors(segments),
            ColorDecoder.Local => LocalColors(segments),
            _ => new ContextNetwork(1 + segments, 2 * Chroma.Channels, width),
        };
        register_module("decoder", Decoder);
        if (hasPosterior)
        {
            Posterior = new ContextNetwork(1 + Chroma.Channels, segments, width, stride);
            register_module("posterior", Posterior);
        }
    }

    private static TorchSharp.Modules.Sequential LocalColors(int segments)
    {
        var last = Conv2d(LocalWidth, 2 * Chroma.Channels * segments, 1);
        using (no_grad())
        {
            last.bias!.copy_(SegmentColors.First(segments));
        }

        return Sequential(Conv2d(1, LocalWidth, 3, padding: 1), ReLU(), last);
    }

    /// <summary>The images' shape.</summary>
    public ExampleShape Image { get; }

    /// <summary>K.</summary>
    public int Segments { get; }

    /// <summary>Pixels per cell of the grid of segments, along each side.</summary>
    public int Stride { get; }

    /// <summary>What colors may depend on.</summary>
    public ColorDecoder Restriction { get; }

    /// <summary>Luminance, Float32 [N, 1, H, W], to the logits of P(z|x), [N, K, h, w].</summary>
    public Module<Tensor, Tensor> Prior { get; }

    /// <summary>
    /// Luminance, [N, 1, H, W], to means and logarithms of standard deviations of each segment's colors, [N, 4 K, H, W] or [1, 4 K, 1, 1]; or, if it is
    /// unrestricted, luminance and the segments of all pixels, [N, 1 + K, H, W], to those of all pixels, [N, 4, H, W].
    /// </summary>
    public Module<Tensor, Tensor> Decoder { get; }

    /// <summary>Luminance and chroma, [N, 3, H, W], to the logits of Q(z|x,y), [N, K, h, w]; null if Q is the exact posterior.</summary>
    public Module<Tensor, Tensor>? Posterior { get; }
}
