using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Convolutions whose kernels cover the image have one output per kernel. They and their gradients are matrix products in which the
/// images of a batch are rows: y = x w^T, dx = dy w, dw = dy^T x. ONNX Runtime's convolutions go image by image, one vector at a time.
/// </summary>
internal sealed class WholeImageConvolution : IConvolutionAlgorithm
{
    /// <inheritdoc/>
    public LayoutValue Convolve(LayoutValue x, Value weight) => LayoutValue.Of(
        Reshape(Gemm(Rows(x.Images), Rows(weight), transB: true), [x.Shape[0], weight.Shape[0], .. Enumerable.Repeat(1L, x.Shape.Rank - 2)]));

    /// <inheritdoc/>
    public LayoutValue InputGradient(LayoutValue dy, Value weight) => LayoutValue.Of(Reshape(MatMul(Rows(dy.Images), Rows(weight)), [dy.Shape[0], .. weight.Shape.Skip(1)]));

    /// <inheritdoc/>
    public Value WeightGradient(LayoutValue x, LayoutValue dy) => Reshape(Gemm(Rows(dy.Images), Rows(x.Images), transA: true), [dy.Shape[1], .. x.Shape.Skip(1)]);

    // [N, C, ...] to [N, C ...]
    private static Value Rows(Value images) => Reshape(images, [images.Shape[0], images.Shape.Skip(1).Product()]);
}
