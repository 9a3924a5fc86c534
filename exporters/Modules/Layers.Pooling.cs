using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Poolings =>
    [
        Row<MaxPool1d>((layer, x) => PoolMax(x, Pool(1, x, [layer.kernel_size], List(layer.stride), List(layer.padding), List(layer.dilation), layer.ceil_mode))),
        Row<MaxPool2d>((layer, x) => PoolMax(x, Pool(2, x, layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode))),
        Row<MaxPool3d>((layer, x) => PoolMax(x, Pool(3, x, layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode))),
        Row<AvgPool1d>((layer, x) => PoolAverage(x, Pool(1, x, [layer.kernel_size], List(layer.stride), List(layer.padding), null, layer.ceil_mode), layer.count_include_pad, null)),
        Row<AvgPool2d>((layer, x) => PoolAverage(x, Pool(2, x, layer.kernel_size, layer.stride, layer.padding, null, layer.ceil_mode), layer.count_include_pad, layer.divisor_override)),
        Row<AvgPool3d>((layer, x) => PoolAverage(x, Pool(3, x, layer.kernel_size, layer.stride, layer.padding, null, layer.ceil_mode), layer.count_include_pad, layer.divisor_override)),
        Row<LPPool1d>((layer, x) => PoolNorm(x, Pool(1, x, [layer.kernel_size], List(layer.stride), null, null, layer.ceil_mode), (float)layer.norm_type)),
        Row<LPPool2d>((layer, x) => PoolNorm(x, Pool(2, x, layer.kernel_size, layer.stride, null, null, layer.ceil_mode), (float)layer.norm_type)),
        Row<AdaptiveAvgPool1d>((layer, x) => PoolAverageTo(1, x, [layer.output_size])),
        Row<AdaptiveAvgPool2d>((layer, x) => PoolAverageTo(2, x, layer.output_size)),
        Row<AdaptiveAvgPool3d>((layer, x) => PoolAverageTo(3, x, layer.output_size)),
        Row<AdaptiveMaxPool1d>((layer, x) => PoolMaxTo(1, x, [layer.output_size])),
        Row<AdaptiveMaxPool2d>((layer, x) => PoolMaxTo(2, x, layer.output_size)),
    ];

    /// <summary>A pooling: its windows, and the extra pixels beyond the far padding if the output size is rounded up.</summary>
    private sealed record Windows(ConvolutionGeometry Geometry, ImmutableArray<long> Overhang);

    private static Windows Pool(
        int rank, Value x, IReadOnlyList<long> kernel, IReadOnlyList<long>? stride, IReadOnlyList<long>? padding, IReadOnlyList<long>? dilation, bool roundsUp)
    {
        RequireImage(x, rank);
        ImmutableArray<long> Setting(IReadOnlyList<long>? given, Func<int, long> otherwise) =>
            [.. Enumerable.Range(0, rank).Select(i => given is { Count: > 0 } ? Each(given, i) : otherwise(i))];
        var size = Setting(kernel, _ => 1);
        var geometry = new ConvolutionGeometry([.. x.Shape.Skip(2)], size, Setting(stride, i => size[i]), Setting(padding, _ => 0), Setting(dilation, _ => 1));
        return new Windows(geometry, [.. Enumerable.Range(0, rank).Select(i => roundsUp ? Overhang(geometry, i) : 0)]);
    }

    // A last window that starts inside the image or its near padding counts even if it ends beyond the far padding.
    private static long Overhang(ConvolutionGeometry geometry, int i)
    {
        long lastStart = geometry.OutputSize[i] * geometry.Strides[i];
        return geometry.Remainder[i] > 0 && lastStart < geometry.ImageSize[i] + geometry.Padding[i] ? geometry.Strides[i] - geometry.Remainder[i] : 0;
    }

    private static Value PoolMax(Value x, Windows windows)
    {
        var (padded, geometry) = PadOverhang(x, windows, float.MinValue);
        return MaxPool(padded, geometry).Maxima;
    }

    private static Value PoolAverage(Value x, Windows windows, bool countsPadding, long? divisor)
    {
        var (padded, geometry) = PadOverhang(x, windows, 0f);
        long taps = geometry.KernelSize.Product();
        var mean = AveragePool(padded, geometry);
        if (divisor is { } given)
        {
            return mean * ((float)taps / given);
        }

        bool isExact = windows.Overhang.All(pixels => pixels == 0) && (countsPadding || windows.Geometry.Padding.All(pixels => pixels == 0));
        return isExact ? mean : mean * Value.Of<float>([1, 1, .. geometry.OutputSize], CountCorrections(windows, geometry, countsPadding));
    }

    // The ratio of all taps to those over counted pixels, for each window: the overhang never counts, the padding on request.
    private static float[] CountCorrections(Windows windows, ConvolutionGeometry geometry, bool countsPadding)
    {
        var counts = Enumerable.Range(0, geometry.SpatialRank).Select(i => Enumerable.Range(0, (int)geometry.OutputSize[i]).Select(window =>
        {
            long margin = countsPadding ? windows.Geometry.Padding[i] : 0;
            long start = (window * geometry.Strides[i]) - windows.Geometry.Padding[i];
            long first = Math.Max(start, -margin), last = Math.Min(start + geometry.KernelSize[i], windows.Geometry.ImageSize[i] + margin);
            return (float)(last - first);
        }).ToArray());
        float taps = geometry.KernelSize.Product();
        return [.. counts
            .Aggregate((IEnumerable<float>)[1f], (products, axis) => products.SelectMany(product => axis.Select(count => product * count)))
            .Select(count => taps / count)];
    }

    // The mean of the powers over the pixels inside, times the number of taps: libtorch's sum.
    private static Value PoolNorm(Value x, Windows windows, float power)
    {
        var mean = PoolAverage(power == 2f ? Square(x) : Pow(x, power), windows, countsPadding: true, divisor: null);
        return Root(mean * (float)windows.Geometry.KernelSize.Product(), power);
    }

    // Padding is symmetric in a geometry, so the overhang at the far side is padded beforehand.
    private static (Value, ConvolutionGeometry) PadOverhang(Value x, Windows windows, float value)
    {
        var padded = Pad(x, new long[x.Shape.Rank], [0, 0, .. windows.Overhang], value);
        return (padded, windows.Geometry with { ImageSize = [.. padded.Shape.Skip(2)] });
    }

    private static Value PoolAverageTo(int rank, Value x, IReadOnlyList<long> output)
    {
        var (image, sizes) = AdaptiveSizes(rank, x, output);
        if (sizes.All(size => size == 1))
        {
            return ReduceMean(x, [.. Enumerable.Range(2, rank)], keepDimensions: true);
        }

        return EqualWindows(x, image, sizes) is { } windows
            ? AveragePool(x, windows)
            : Enumerable.Range(0, rank).Aggregate(x, (y, i) => Averages(image[i], sizes[i]).Apply(y, i + 2));
    }

    private static Value PoolMaxTo(int rank, Value x, IReadOnlyList<long> output)
    {
        var (image, sizes) = AdaptiveSizes(rank, x, output);
        return EqualWindows(x, image, sizes) is { } windows ? MaxPool(x, windows).Maxima : throw new NotSupportedException(
            $"pooling [{string.Join(", ", image)}] to [{string.Join(", ", sizes)}] has windows of unequal sizes: choose sizes that divide the image's.");
    }

    // An output size of -1 keeps the image's.
    private static (long[] Image, long[] Sizes) AdaptiveSizes(int rank, Value x, IReadOnlyList<long> output)
    {
        RequireImage(x, rank);
        long[] image = [.. x.Shape.Skip(2)];
        return (image, [.. image.Select((size, i) => Each(output, i) == -1 ? size : Each(output, i))]);
    }

    private static ConvolutionGeometry? EqualWindows(Value x, long[] image, long[] sizes) =>
        sizes.Zip(image).All(pair => pair.Second % pair.First == 0) ? ConvolutionGeometry.Tiles(x.Shape, [.. image.Select((size, i) => size / sizes[i])]) : null;

    // Window i of an adaptive pooling reaches from floor(i in / out) to ceil((i + 1) in / out).
    private static WeightedTaps Averages(long input, long output) => new(input, [.. Enumerable.Range(0, (int)output).Select(i =>
    {
        long start = i * input / output, count = ((((i + 1) * input) + output - 1) / output) - start;
        return ((long, double)[])[.. Enumerable.Range(0, (int)count).Select(k => (start + k, 1.0 / count))];
    })]);

    private static long[]? List(long? setting) => setting is { } value ? [value] : null;
}
