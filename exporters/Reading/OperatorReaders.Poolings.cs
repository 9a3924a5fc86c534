using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Poolings =>
    [
        new("MaxPool", ReadMaxPool),
        RealRow("AveragePool", ReadAveragePool),
        RealRow("LpPool", node => PoolingWindow(node) is var window ? node.Keep((node[0].Type, [node.ShapeOf(0)[0], node.ShapeOf(0)[1], .. window.OutputSize]))[0] : null),
        RealRow("GlobalAveragePool", node => ReduceMean(node[0], SpatialAxes(node[0]), keepDimensions: true)),
        RealRow("GlobalMaxPool", node => ReduceMax(node[0], SpatialAxes(node[0]), keepDimensions: true)),
    ];

    private static IReadOnlyList<Value>? ReadMaxPool(OnnxNode node)
    {
        var window = PoolingWindow(node);
        if (!node.IsReal || node.Int("storage_order", 0) != 0 || (node.OutputCount > 1 && !window.IsEven))
        {
            Shape shape = [node.ShapeOf(0)[0], node.ShapeOf(0)[1], .. window.OutputSize];
            return node.Keep(new[] { (node[0].Type, shape), (ElementType.Int64, shape) }.Take(node.OutputCount));
        }

        var (maxima, positions) = MaxPool(window.PadUnevenly(node[0], float.MinValue, out var geometry), geometry);
        return [maxima, positions];
    }

    private static KernelWindow PoolingWindow(OnnxNode node)
    {
        long[] kernel = node.Ints("kernel_shape")!, pads = node.Ints("pads") ?? [];
        return pads.Where((pixels, i) => pixels >= kernel[i % kernel.Length]).Any()
            ? throw node.Error($"its pads [{string.Join(", ", pads)}] are not smaller than the kernel [{string.Join(", ", kernel)}]")
            : KernelWindow.Of(node, kernel);
    }

    // The mean including zeros, times the ratio of the kernel's taps to those that count.
    private static Value? ReadAveragePool(OnnxNode node)
    {
        var window = PoolingWindow(node);
        if (window.Geometry.Dilations.Any(dilation => dilation != 1))
        {
            return null;
        }

        var mean = AveragePool(window.PadUnevenly(node[0], 0f, out var geometry), geometry);
        bool countsPadding = node.Int("count_include_pad", 0) != 0;
        long[] pads = node.Ints("pads") ?? new long[2 * geometry.SpatialRank];
        bool isFitted = node.Text("auto_pad", "NOTSET").StartsWith("SAME", StringComparison.Ordinal);
        for (int i = 0; i < geometry.SpatialRank; i++)
        {
            long image = window.Geometry.ImageSize[i], before = window.Geometry.Padding[i], kernel = geometry.KernelSize[i];
            long first = countsPadding ? -before : 0, end = countsPadding ? image + (isFitted ? window.After[i] : pads[i + geometry.SpatialRank]) : image;
            float[] factors = [.. Enumerable.Range(0, (int)mean.Shape[i + 2]).Select(position =>
            {
                long start = (position * geometry.Strides[i]) - before;
                return (float)kernel / Math.Max(1, Math.Min(start + kernel, end) - Math.Max(start, first));
            })];
            if (factors.AsSpan().ContainsAnyExcept(1f))
            {
                mean *= Value.Of<float>([factors.Length, .. Enumerable.Repeat(1L, geometry.SpatialRank - 1 - i)], factors);
            }
        }

        return mean;
    }
}
