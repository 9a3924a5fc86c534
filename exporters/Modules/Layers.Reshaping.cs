using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using TorchSharp.Modules;
using static OnnxVae.Exporters.Graph.Ops;
using UpsampleMode = TorchSharp.torch.UpsampleMode;

namespace OnnxVae.Exporters.Modules;

internal static partial class Layers
{
    private static KeyValuePair<Type, LayerRule>[] Reshapings =>
    [
        Row<Identity>((_, x) => x),
        Row<Flatten>((layer, x) => Reshape(x, Flattened(x.Shape, x.Shape.Axis((int)layer.start_dim), x.Shape.Axis((int)layer.end_dim)))),
        Row<Unflatten>((layer, x) => Reshape(x, Unflattened(x.Shape, x.Shape.Axis((int)layer.dim), layer.unflattened_size))),
        Row<PixelShuffle>((layer, x) => ShufflePixels(x, layer.upscale_factor)),
        Row<PixelUnshuffle>((layer, x) => UnshufflePixels(x, layer.downscale_factor)),
        Row<ChannelShuffle>((layer, x) => ShuffleChannels(x, layer.groups)),
        Row<Upsample>(Upsample),
    ];

    private static Shape Flattened(Shape shape, int first, int last)
    {
        long[] joined = [.. shape.Skip(first).Take(last - first + 1)];
        if (joined.Contains(Shape.Batch) && joined.Any(size => size is not (1 or Shape.Batch)))
        {
            throw new ArgumentException($"axes {first} to {last} of {shape} cannot be merged while the batch is symbolic: start after the batch axis, or fix the batch size.");
        }

        return [.. shape.Take(first), joined.Product(), .. shape.Skip(last + 1)];
    }

    private static Shape Unflattened(Shape shape, int axis, long[] sizes)
    {
        long known = sizes.Where(size => size != -1).Product();
        return [.. shape.Take(axis), .. sizes.Select(size => size == -1 ? shape[axis] / known : size), .. shape.Skip(axis + 1)];
    }

    // Shi et al. 2016, arXiv 1609.05158: [N, C r r, H, W] -> [N, C, H r, W r]
    private static Value ShufflePixels(Value x, long r)
    {
        RequireImage(x, 2);
        var (n, c, h, w) = (x.Shape[0], x.Shape[1] / (r * r), x.Shape[2], x.Shape[3]);
        var split = Reshape(x, [n, c, r, r, h, w]);
        return Reshape(Transpose(split, 0, 1, 4, 2, 5, 3), [n, c, h * r, w * r]);
    }

    private static Value UnshufflePixels(Value x, long r)
    {
        RequireImage(x, 2);
        var (n, c, h, w) = (x.Shape[0], x.Shape[1], x.Shape[2] / r, x.Shape[3] / r);
        var split = Reshape(x, [n, c, h, r, w, r]);
        return Reshape(Transpose(split, 0, 1, 3, 5, 2, 4), [n, c * r * r, h, w]);
    }

    private static Value ShuffleChannels(Value x, long groups)
    {
        var split = Reshape(x, [x.Shape[0], groups, x.Shape[1] / groups, .. x.Shape.Skip(2)]);
        return Reshape(Transpose(split, [0, 2, 1, .. Enumerable.Range(3, x.Shape.Rank - 2)]), x.Shape);
    }

    private static Value Upsample(Upsample layer, Value x)
    {
        var (method, grid) = (layer.mode, layer.align_corners ?? false) switch
        {
            (UpsampleMode.Nearest, _) => (InterpolationMethod.Nearest, PixelGrid.Corner),
            (UpsampleMode.Bicubic, true) => (InterpolationMethod.Cubic, PixelGrid.AlignedCorners),
            (UpsampleMode.Bicubic, false) => (InterpolationMethod.Cubic, PixelGrid.HalfPixel),
            (_, true) => (InterpolationMethod.Linear, PixelGrid.AlignedCorners),
            _ => (InterpolationMethod.Linear, PixelGrid.HalfPixel),
        };
        var (sizes, factors) = (layer.size.ToArray(), layer.scale_factor.ToArray());
        return Interpolate(x, [.. x.Shape.Skip(2).Select((input, i) => sizes.Length > 0
            ? new Interpolation(method, grid, input, Each(sizes, i))
            : new Interpolation(method, grid, input, (long)Math.Floor(input * Each(factors, i)), Each(factors, i)))]);
    }

    // Nearest pixels are chosen as in libtorch; and if a size stays the same, ONNX Runtime copies, which libtorch does not for cubics.
    private static Value Interpolate(Value x, Interpolation[] axes)
    {
        if (axes[0].Method == InterpolationMethod.Nearest && !axes.All(axis => axis.IsRepetition))
        {
            return Enumerable.Range(0, axes.Length).Where(i => !IsCopied(i)).Aggregate(x, (y, i) => Gather(y, i + 2, axes[i].NearestPixels()));
        }

        return axes.Any(axis => axis is { Method: InterpolationMethod.Cubic, IsExact: false } && axis.Output == axis.Input)
            ? Enumerable.Range(0, axes.Length).Aggregate(x, (y, i) => axes[i].Taps.Apply(y, i + 2))
            : Resize(x, axes);

        // In two-dimensional images, libtorch copies an axis that keeps its size, whatever the factor; otherwise it shifts.
        bool IsCopied(int i) => axes.Length == 2 && axes[i].Output == axes[i].Input;
    }

    // Settings are given once for all spatial axes, or once per axis.
    private static T Each<T>(IReadOnlyList<T> settings, int axis) => settings[settings.Count == 1 ? 0 : axis];
}
