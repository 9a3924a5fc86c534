using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Autodiff;

public static partial class GradientRules
{
    // Convolution, its input gradient and its weight gradient are the three partial derivatives of one
    // trilinear form <dy, conv(x, w)>: the gradients of each are the other two.
    private static readonly Dictionary<string, GradientRule> Contractions = new()
    {
        [Primitive.Convolution] = (y, dy) => [ConvolutionInputGradient(dy, y.Inputs[1], Geometry(y)), ConvolutionWeightGradient(y.Inputs[0], dy, Geometry(y))],
        [Primitive.ConvolutionInputGradient] = (x, dx) => [Convolution(dx, x.Inputs[1], Geometry(x)), ConvolutionWeightGradient(dx, x.Inputs[0], Geometry(x))],
        [Primitive.ConvolutionWeightGradient] = (w, dw) => [ConvolutionInputGradient(w.Inputs[1], dw, Geometry(w)), Convolution(w.Inputs[0], dw, Geometry(w))],
        ["MatMul"] = (y, dy) => [MatMul(dy, SwapLast(y.Inputs[1])), MatMulRight(y.Inputs[0], y.Inputs[1], dy)],
        ["Gemm"] = (y, dy) => [GemmLeft(y, dy), GemmRight(y, dy), dy],
    };

    private static ConvolutionGeometry Geometry(Value y) => y.Producer!.Attribute<ConvolutionGeometry>("geometry");

    // To a single matrix on its right, a stack of matrices is one tall matrix.
    private static Value MatMulRight(Value a, Value b, Value dy) => b.Shape.Rank == 2
        ? Gemm(Rows(a), Rows(dy), transA: true)
        : MatMul(SwapLast(a), dy);

    private static Value Rows(Value x) => Reshape(x, [x.Shape.SkipLast(1).Product(), x.Shape[^1]]);

    private static Value SwapLast(Value x) =>
        Transpose(x, [.. Enumerable.Range(0, x.Shape.Rank - 2), x.Shape.Rank - 1, x.Shape.Rank - 2]);

    // y = A' B' + c: dA' = dy B'^T, and dA is its transpose where A was transposed.
    private static Value GemmLeft(Value y, Value dy) => TransA(y)
        ? Gemm(y.Inputs[1], dy, transA: TransB(y), transB: true)
        : Gemm(dy, y.Inputs[1], transB: !TransB(y));

    private static Value GemmRight(Value y, Value dy) => TransB(y)
        ? Gemm(dy, y.Inputs[0], transA: true, transB: TransA(y))
        : Gemm(y.Inputs[0], dy, transA: !TransA(y));

    private static bool TransA(Value y) => y.Producer!.Attribute<long>("transA") != 0;

    private static bool TransB(Value y) => y.Producer!.Attribute<long>("transB") != 0;
}
