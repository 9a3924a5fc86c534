using System.Collections.Immutable;
using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Contractions =>
    [
        Row("MatMul", node => MatMul(node[0], node[1])),
        Row("Gemm", ReadGemm),
        Row("Einsum", node => node.Count == 2 ? Einsum(node.Text("equation", "").Replace(" ", "", StringComparison.Ordinal), node[0], node[1]) : null),
        Row("Conv", ReadConvolution),
        Row("ConvTranspose", ReadTransposedConvolution),
        new("MaxPool", ReadMaxPool),
        Row("AveragePool", ReadAveragePool),
        Row("GlobalAveragePool", node => ReduceMean(node[0], SpatialAxes(node[0]), keepDimensions: true)),
        Row("GlobalMaxPool", node => ReduceMax(node[0], SpatialAxes(node[0]), keepDimensions: true)),
    ];

    private static Value ReadGemm(OnnxNode node)
    {
        var (alpha, beta) = (node.Float("alpha", 1f), node.Float("beta", 1f));
        var (a, c) = (alpha == 1f ? node[0] : alpha * node[0], node.Find(2));
        return Gemm(a, node[1], c is null || beta == 1f ? c : beta * c, node.Int("transA", 0) != 0, node.Int("transB", 0) != 0);
    }

    private static Value? ReadConvolution(OnnxNode node)
    {
        var x = node[0];
        if (Window(node, [.. node[1].Shape.Skip(2)]) is not { } window)
        {
            return null;
        }

        var padded = PadUnevenly(x, window, 0f, out var geometry);
        return AddPerChannel(Convolution(padded, node[1], geometry with { Groups = node.Int("group", 1) }), node.Find(2));
    }

    private static Value? ReadTransposedConvolution(OnnxNode node)
    {
        if (Window(node, [.. node[1].Shape.Skip(2)]) is not { IsEven: true } window || node.Ints("output_shape") is not null)
        {
            return null;
        }

        var g = window.Geometry;
        long[] extra = node.Ints("output_padding") ?? new long[g.SpatialRank];
        ImmutableArray<long> image = [.. Enumerable.Range(0, g.SpatialRank).Select(i =>
            ((node[0].Shape[i + 2] - 1) * g.Strides[i]) - (2 * g.Padding[i]) + (g.Dilations[i] * (g.KernelSize[i] - 1)) + extra[i] + 1)];
        return AddPerChannel(ConvolutionInput(node[0], node[1], g with { ImageSize = image, Groups = node.Int("group", 1) }), node.Find(2));
    }

    private static IReadOnlyList<Value>? ReadMaxPool(OnnxNode node)
    {
        if (Window(node, node.Ints("kernel_shape")!) is not { } window || node.Int("ceil_mode", 0) != 0 || node.Int("storage_order", 0) != 0 || (node.OutputCount > 1 && !window.IsEven))
        {
            return null;
        }

        var (maxima, positions) = MaxPool(PadUnevenly(node[0], window, float.MinValue, out var geometry), geometry);
        return [maxima, positions];
    }

    private static Value? ReadAveragePool(OnnxNode node)
    {
        bool countsPadding = node.Int("count_include_pad", 0) != 0;
        return Window(node, node.Ints("kernel_shape")!) is { } window && node.Int("ceil_mode", 0) == 0 && (countsPadding || window.HasNoPadding)
            ? AveragePool(PadUnevenly(node[0], window, 0f, out var geometry), geometry)
            : null;
    }

    /// <summary>A kernel's geometry with the padding before, and the padding after.</summary>
    private sealed record KernelWindow(ConvolutionGeometry Geometry, long[] After)
    {
        public bool IsEven => Geometry.Padding.SequenceEqual(After);

        public bool HasNoPadding => IsEven && After.All(pixels => pixels == 0);
    }

    private static KernelWindow? Window(OnnxNode node, long[] kernel)
    {
        int rank = kernel.Length;
        if (node.Text("auto_pad", "NOTSET") is not ("NOTSET" or "VALID"))
        {
            return null;
        }

        long[] Setting(string name, long otherwise, int count) => node.Ints(name) ?? [.. Enumerable.Repeat(otherwise, count)];
        long[] pads = Setting("pads", 0, 2 * rank);
        return new KernelWindow(
            new ConvolutionGeometry([.. node[0].Shape.Skip(2)], [.. kernel], [.. Setting("strides", 1, rank)], [.. pads[..rank]], [.. Setting("dilations", 1, rank)]),
            pads[rank..]);
    }

    // Geometries pad both sides alike; other paddings are added before.
    private static Value PadUnevenly(Value x, KernelWindow window, float value, out ConvolutionGeometry geometry)
    {
        geometry = window.Geometry;
        if (window.IsEven)
        {
            return x;
        }

        var padded = Pad(x, [0, 0, .. geometry.Padding], [0, 0, .. window.After], value);
        geometry = geometry with { ImageSize = [.. padded.Shape.Skip(2)], Padding = [.. geometry.Padding.Select(_ => 0L)] };
        return padded;
    }

}
