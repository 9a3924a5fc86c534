using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Linear =>
    [
        Row<Linear>((lowering, layer, x) => layer.out_features == 0 || layer.in_features == 0
            ? throw new NotSupportedException($"it has {layer.in_features} inputs and {layer.out_features} outputs, and graphs cannot hold empty tensors: give it at least one of each.")
            : Affine(x, lowering.Parameter(layer.weight), Optional(lowering, layer.bias))),
        Row<Bilinear>((lowering, layer, a, b) => Bilinear(a, b, lowering.Parameter(layer.weight!), Optional(lowering, layer.bias))),
        Row<Embedding>((lowering, layer, indices) => Embed(lowering.Parameter(layer, "weight"), indices, NativeSettings.Of(layer).PaddingIndex)),
        Row<CosineSimilarity>((layer, a, b) => ReduceSum(Unit(a, (int)layer.dim, (float)layer.eps) * Unit(b, (int)layer.dim, (float)layer.eps), [(int)layer.dim])),
        Row<PairwiseDistance>((layer, a, b) => Norm(a - b + (float)layer.eps, -1, (float)layer.norm, layer.keepdim)),
    ];

    // The padding row is read but not trained.
    private static Value Embed(Value weight, Value indices, long? padding)
    {
        var rows = Gather(weight, 0, indices);
        return padding is { } index
            ? Where(Reshape(Equal(indices, Value.Of<long>(Shape.Scalar, index)), [.. indices.Shape, 1]), StopGradient(rows), rows)
            : rows;
    }

    // x W^T + b for x of any rank; for matrices, one operator does it all.
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

    private static Value Norm(Value x, int axis, float power, bool keepDimensions) => power switch
    {
        1f => ReduceSum(Abs(x), [axis], keepDimensions),
        2f => Root(ReduceSum(Square(x), [axis], keepDimensions), 2f),
        float.PositiveInfinity => ReduceMax(Abs(x), [axis], keepDimensions),
        > 0f => Root(ReduceSum(Pow(Abs(x), power), [axis], keepDimensions), power),
        _ => throw new NotSupportedException($"a norm of power {power} is not supported: choose a positive one."),
    };

    // A root whose gradient at 0 is 0 instead of infinite.
    private static Value Root(Value x, float power)
    {
        if (power == 1f)
        {
            return x;
        }

        var isZero = Equal(x, 0f);
        var safe = Where(isZero, 1f, x);
        return Where(isZero, 0f, power == 2f ? Sqrt(safe) : Pow(safe, 1f / power));
    }
}
