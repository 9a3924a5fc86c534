using OnnxVae.Format;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Tensor = TorchSharp.torch.Tensor;

namespace OnnxVae.Models.Networks;

/// <summary>Layers for series, images and volumes alike, whose kernels have one, two or three axes.</summary>
internal static class SpatialLayers
{
    /// <summary>Rejects vectors, which have nothing to convolve over.</summary>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="network">The network's name.</param>
    /// <exception cref="ArgumentException">They are vectors.</exception>
    public static void Require(ExampleShape shape, string network)
    {
        if (shape.Sides.Count == 0)
        {
            throw new ArgumentException($"The network '{network}' convolves series, images and volumes, but the examples are vectors of {shape.Channels} columns: choose 'mlp' or 'linear'.", nameof(shape));
        }
    }

    /// <summary>A convolution with the same kernel, stride and padding along each axis.</summary>
    public static nn.Module<Tensor, Tensor> Convolution(int axes, int from, int to, int kernel, int stride, int padding) => axes switch
    {
        1 => Conv1d(from, to, kernel, stride, padding),
        2 => Conv2d(from, to, kernel, stride, padding),
        _ => Conv3d(from, to, kernel, stride, padding),
    };

    /// <summary>A transposed convolution with the same stride and padding along each axis.</summary>
    public static nn.Module<Tensor, Tensor> Transposed(int from, int to, int[] kernel, int stride, int padding) => kernel switch
    {
        [var length] => ConvTranspose1d(from, to, length, stride, padding),
        [var height, var width] => ConvTranspose2d(from, to, (height, width), stride: (stride, stride), padding: (padding, padding)),
        _ => ConvTranspose3d(from, to, (kernel[0], kernel[1], kernel[2]), stride: (stride, stride, stride), padding: (padding, padding, padding)),
    };

    /// <summary>Repeats every value along each axis.</summary>
    public static nn.Module<Tensor, Tensor> Upsampling(int axes, int factor) => Upsample(scale_factor: [.. Enumerable.Repeat((double)factor, axes)]);

    /// <summary>Rows of numbers to channels and sides.</summary>
    public static nn.Module<Tensor, Tensor> ToShape(ExampleShape shape) => Unflatten(1, [.. shape.Axes.Select(size => (long)size)]);
}
