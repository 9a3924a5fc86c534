using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// A convolution with stride 1 as the input gradient of another one, with flipped kernels and with images and outputs
/// exchanged. It turns an algorithm for few channels into one for few kernels.
/// </summary>
/// <param name="algorithm">An algorithm for the geometry's <see cref="ConvolutionGeometry.Flipped"/>.</param>
internal sealed class FlippedConvolution(IConvolutionAlgorithm algorithm) : IConvolutionAlgorithm
{
    /// <inheritdoc/>
    public PixelOrder? ImageOrder => algorithm.OutputOrder;

    /// <inheritdoc/>
    public PixelOrder? OutputOrder => algorithm.ImageOrder;

    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight) => algorithm.InputGradient(x, Flip(weight));

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight) => algorithm.Convolve(dy, Flip(weight));

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy) => Flip(algorithm.WeightGradient(dy, x));

    // [K, C, kernel] to [C, K, kernel], the taps in reverse.
    private static Value Flip(Value weight)
    {
        long taps = weight.Shape.Skip(2).Product();
        var flipped = Gather(Transpose(Reshape(weight, [weight.Shape[0], weight.Shape[1], taps]), 1, 0, 2), 2, ConvolutionGeometry.Reversed(taps));
        return Reshape(flipped, [weight.Shape[1], weight.Shape[0], .. weight.Shape.Skip(2)]);
    }
}
