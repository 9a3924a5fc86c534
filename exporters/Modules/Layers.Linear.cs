using OnnxVae.Exporters.Onnx;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Linear =>
    [
        Row<Linear>((lowering, layer, x) => Affine(x, lowering.Parameter(layer.weight), Optional(lowering, layer.bias))),
        Row<Bilinear>((lowering, layer, a, b) => Bilinear(a, b, lowering.Parameter(layer.weight!), Optional(lowering, layer.bias))),
        Row<Embedding>((lowering, layer, indices) => Gather(lowering.Parameter(layer, "weight"), 0, indices)),
        Row<CosineSimilarity>((layer, a, b) => ReduceSum(Unit(a, (int)layer.dim, (float)layer.eps) * Unit(b, (int)layer.dim, (float)layer.eps), [(int)layer.dim])),
        Row<PairwiseDistance>((layer, a, b) => Norm(a - b + (float)layer.eps, -1, (float)layer.norm, layer.keepdim)),
    ];

    // x W^T + b for x of any rank; matrices take the operator that does it at once.
    private static Value Affine(Value x, Value weight, Value? bias)
    {
        if (x.Shape.Rank == 2)
        {
            return Gemm(x, weight, bias, transB: true);
        }

        var product = MatMul(x, Transpose(weight, 1, 0));
        return bias is null ? product : product + bias;
    }

    // y[n, k] = sum over i, j of a[n, i] weight[k, i, j] b[n, j] + bias[k]
    private static Value Bilinear(Value a, Value b, Value weight, Value? bias)
    {
        var y = Einsum("nki,ni->nk", Einsum("nj,kij->nki", b, weight), a);
        return bias is null ? y : y + bias;
    }

    private static Value Unit(Value x, int axis, float least) => x / Max(Norm(x, axis, 2f, keepDimensions: true), least);

    private static Value Norm(Value x, int axis, float power, bool keepDimensions) => power == 2f
        ? Sqrt(ReduceSum(Square(x), [axis], keepDimensions))
        : Pow(ReduceSum(Pow(Abs(x), power), [axis], keepDimensions), 1f / power);
}
