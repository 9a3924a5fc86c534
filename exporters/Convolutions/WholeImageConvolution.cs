using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Convolutions;

/// <summary>
/// Convolutions whose kernels cover the image have one output per kernel. They and their gradients are products of matrices, in which the
/// images of a batch are rows: y = x w^T, dx = dy w, dw = dy^T x. ONNX Runtime's convolutions take image by image, a vector at a time.
/// </summary>
internal static class WholeImageConvolution
{
    public static Value Expand(Value x, Value weight) => Images(Gemm(Rows(x), Rows(weight), transB: true), x, weight.Shape[0]);

    public static Value InputGradient(Value dy, Value weight) => Reshape(MatMul(Rows(dy), Rows(weight)), [dy.Shape[0], .. weight.Shape.Skip(1)]);

    public static Value WeightGradient(Value x, Value dy) => Reshape(Gemm(Rows(dy), Rows(x), transA: true), [dy.Shape[1], .. x.Shape.Skip(1)]);

    // [N, C, ...] to [N, C ...]
    private static Value Rows(Value images) => Reshape(images, [images.Shape[0], images.Shape.Skip(1).Aggregate(1L, (product, size) => product * size)]);

    private static Value Images(Value rows, Value x, long kernels) => Reshape(rows, [x.Shape[0], kernels, .. Enumerable.Repeat(1L, x.Shape.Rank - 2)]);
}
