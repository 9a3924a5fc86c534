using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Contractions =>
    [
        RealRow("MatMul", ReadProduct),
        RealRow("Gemm", ReadGemm),
        RealRow("Einsum", ReadEinsum),
        RealRow("Conv", ReadConvolution),
        RealRow("ConvTranspose", ReadTransposedConvolution),
    ];

    // A vector on the left is a row, one on the right a column; the added axis is removed again.
    private static Value ReadProduct(OnnxNode node)
    {
        var (a, b) = (node[0], node[1]);
        var product = MatMul(a.Shape.Rank == 1 ? Reshape(a, [1, a.Shape[0]]) : a, b.Shape.Rank == 1 ? Reshape(b, [b.Shape[0], 1]) : b);
        var shape = product.Shape;
        return (a.Shape.Rank, b.Shape.Rank) switch
        {
            (1, 1) => Reshape(product, []),
            (1, _) => Reshape(product, [.. shape.SkipLast(2), shape[^1]]),
            (_, 1) => Reshape(product, [.. shape.SkipLast(1)]),
            _ => product,
        };
    }

    private static Value ReadGemm(OnnxNode node)
    {
        var (alpha, beta) = (node.Float("alpha", 1f), node.Float("beta", 1f));
        var (a, c) = (alpha == 1f ? node[0] : alpha * node[0], node.Find(2));
        return Gemm(a, node[1], c is null || beta == 1f ? c : beta * c, node.Flag("transA"), node.Flag("transB"));
    }

    private static Value ReadConvolution(OnnxNode node)
    {
        long groups = node.Int("group", 1);
        RequireGroups(node, groups, node.ShapeOf(1)[0]);
        var window = KernelWindow.Of(node, KernelOf(node));
        var padded = window.PadUnevenly(node[0], 0f, out var geometry);
        return AddPerChannel(Convolution(padded, node[1], geometry with { Groups = groups }), node.Find(2));
    }

    // If the padding differs at the two ends, computed without padding first, then cropped.
    private static Value ReadTransposedConvolution(OnnxNode node)
    {
        long groups = node.Int("group", 1);
        RequireGroups(node, groups, node.ShapeOf(1)[0]);
        var (g, after, output) = KernelWindow.OfTransposed(node, KernelOf(node));
        long[] extra = node.Ints("output_padding") ?? new long[g.SpatialRank];
        bool isEven = g.Padding.SequenceEqual(after);
        long[] before = isEven ? new long[g.SpatialRank] : [.. g.Padding];
        g = isEven ? g : g with { Padding = [.. before.Select(_ => 0L)] };
        g = g with
        {
            ImageSize = [.. Enumerable.Range(0, g.SpatialRank).Select(i =>
                ((node.ShapeOf(0)[i + 2] - 1) * g.Strides[i]) - (2 * g.Padding[i]) + (g.Dilations[i] * (g.KernelSize[i] - 1)) + extra[i] + 1)],
            Groups = groups,
        };
        var image = ConvolutionInputGradient(node[0], node[1], g);
        image = isEven ? image : Enumerable.Range(0, g.SpatialRank).Aggregate(image, (x, i) => Slice(x, i + 2, before[i], x.Shape[i + 2] - after[i]));
        image = output is null ? image : Enumerable.Range(0, g.SpatialRank).Aggregate(image, (x, i) => Pad(x, i + 2, 0, Math.Max(0, output[i] - x.Shape[i + 2])));
        return AddPerChannel(image, node.Find(2));
    }

    private static long[] KernelOf(OnnxNode node)
    {
        long[] kernel = [.. node.ShapeOf(1).Skip(2)];
        return node.Ints("kernel_shape") is { } stated && !stated.SequenceEqual(kernel)
            ? throw node.Error($"its kernel_shape is [{string.Join(", ", stated)}], but its weight is {node.ShapeOf(1)}")
            : kernel;
    }

    private static void RequireGroups(OnnxNode node, long groups, long channels)
    {
        if (groups < 1 || channels % groups != 0)
        {
            throw node.Error($"the {channels} channels of its weight do not fall into {groups} groups");
        }
    }
}
