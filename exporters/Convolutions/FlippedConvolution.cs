using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// A convolution with stride 1 as the input gradient of another one: that of the turned kernels, with images and outputs
/// exchanged. It makes of a form for few channels one for few kernels.
/// </summary>
/// <param name="form">A form of the geometry's <see cref="ConvolutionGeometry.Flipped"/>.</param>
internal sealed class FlippedConvolution(IConvolutionAlgorithm form) : IConvolutionAlgorithm
{
    /// <inheritdoc/>
    public PixelOrder? ImageOrder => form.OutputOrder;

    /// <inheritdoc/>
    public PixelOrder? OutputOrder => form.ImageOrder;

    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight) => form.InputGradient(x, Turn(weight));

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight) => form.Convolve(dy, Turn(weight));

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy) => Turn(form.WeightGradient(dy, x));

    // [K, C, kernel] to [C, K, kernel], the taps in reverse.
    private static Value Turn(Value weight)
    {
        long taps = weight.Shape.Skip(2).Product();
        var turned = Gather(
            Transpose(Reshape(weight, [weight.Shape[0], weight.Shape[1], taps]), 1, 0, 2), 2, [.. Enumerable.Range(0, (int)taps).Select(tap => taps - 1 - tap)]);
        return Reshape(turned, [weight.Shape[1], weight.Shape[0], .. weight.Shape.Skip(2)]);
    }
}
