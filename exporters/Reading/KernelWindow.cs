using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Reading;

/// <summary>How a node moves a kernel over an image.</summary>
/// <param name="Geometry">The geometry, with the padding before the image.</param>
/// <param name="After">The padding after it.</param>
internal sealed record KernelWindow(ConvolutionGeometry Geometry, ImmutableArray<long> After)
{
    /// <summary>Whether both sides are padded equally.</summary>
    public bool IsEven => Geometry.Padding.SequenceEqual(After);

    /// <summary>The size of the result.</summary>
    public IEnumerable<long> OutputSize => Geometry.ImageSize.Select((size, i) =>
        ((size + Geometry.Padding[i] + After[i] - (Geometry.Dilations[i] * (Geometry.KernelSize[i] - 1)) - 1) / Geometry.Strides[i]) + 1);

    /// <summary>Reads strides, dilations and paddings.</summary>
    /// <param name="node">A convolution or pooling.</param>
    /// <param name="kernel">The kernel's size.</param>
    public static KernelWindow Of(OnnxNode node, long[] kernel)
    {
        var (strides, dilations, pads) = Settings(node, kernel);
        ImmutableArray<long> image = [.. node.ShapeOf(0).Skip(2)];
        if (node.Text("auto_pad", "NOTSET") is var rule and ("SAME_UPPER" or "SAME_LOWER"))
        {
            pads = Shared(rule == "SAME_UPPER", [.. image.Select((size, i) => Math.Max(0, ((((size + strides[i] - 1) / strides[i]) - 1) * strides[i]) + Reach(i) - size))]);
        }

        ImmutableArray<long> after = [.. pads[kernel.Length..]];
        if (node.Int("ceil_mode", 0) is not (0 or 1) and var mode)
        {
            throw node.Error($"its ceil_mode is {mode}; expected 0 or 1");
        }

        if (node.Int("ceil_mode", 0) == 1)
        {
            after = [.. image.Select((size, i) => Math.Max(after[i], ((Positions(size, i) - 1) * strides[i]) + Reach(i) - size - pads[i]))];
        }

        return new KernelWindow(new ConvolutionGeometry(image, [.. kernel], [.. strides], [.. pads[..kernel.Length]], [.. dilations]), after);

        long Reach(int i) => (dilations[i] * (kernel[i] - 1)) + 1;

        // Rounded up, but without windows that start after the image and the padding before it.
        long Positions(long size, int i)
        {
            long positions = ((size + pads[i] + pads[i + kernel.Length] - Reach(i) + strides[i] - 1) / strides[i]) + 1;
            return (positions - 1) * strides[i] >= size + pads[i] ? positions - 1 : positions;
        }
    }

    /// <summary>
    /// Reads the settings of a transposed convolution: the geometry of its result, except for the size, the padding after it, and the size
    /// that the result must have, if the node specifies one.
    /// </summary>
    public static (ConvolutionGeometry Geometry, ImmutableArray<long> After, long[]? Output) OfTransposed(OnnxNode node, long[] kernel)
    {
        var (strides, dilations, pads) = Settings(node, kernel);
        long[] input = [.. node.ShapeOf(0).Skip(2)], extra = node.Ints("output_padding") ?? new long[kernel.Length];
        RequireCount(node, "output_padding", extra, kernel.Length);
        string rule = node.Text("auto_pad", "NOTSET");
        long[]? output = null;
        if (node.HasAttribute("output_shape") || rule is "SAME_UPPER" or "SAME_LOWER")
        {
            output = node.Ints("output_shape") ?? [.. input.Select((size, i) => size * strides[i])];
            output = output.Length == kernel.Length + 2 ? output[2..] : output;
            RequireCount(node, "output_shape", output, kernel.Length);
            pads = Shared(rule == "SAME_UPPER", [.. output.Select((size, i) => Math.Max(0, (strides[i] * (input[i] - 1)) + extra[i] + (dilations[i] * (kernel[i] - 1)) + 1 - size))]);
        }

        return (new ConvolutionGeometry([.. input], [.. kernel], [.. strides], [.. pads[..kernel.Length]], [.. dilations]), [.. pads[kernel.Length..]], node.HasAttribute("output_shape") ? output : null);
    }

    /// <summary>Geometries pad both sides equally; other padding is added beforehand.</summary>
    public Value PadUnevenly(Value x, float value, out ConvolutionGeometry geometry)
    {
        geometry = Geometry;
        if (IsEven && Geometry.Padding.Zip(Geometry.KernelSize).All(pair => pair.First < pair.Second))
        {
            return x;
        }

        var padded = Ops.Pad(x, [0, 0, .. geometry.Padding], [0, 0, .. After], value);
        geometry = geometry with { ImageSize = [.. padded.Shape.Skip(2)], Padding = [.. geometry.Padding.Select(_ => 0L)] };
        return padded;
    }

    private static (long[] Strides, long[] Dilations, long[] Pads) Settings(OnnxNode node, long[] kernel)
    {
        int rank = kernel.Length;
        if (node.ShapeOf(0).Rank != rank + 2 || rank == 0 || kernel.Any(size => size < 1))
        {
            throw node.Error($"its kernel [{string.Join(", ", kernel)}] does not fit images of {node.ShapeOf(0)}");
        }

        long[] strides = Setting("strides", 1, rank, least: 1), dilations = Setting("dilations", 1, rank, least: 1);
        string rule = node.OneOf("auto_pad", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID");
        return rule == "NOTSET" ? (strides, dilations, Setting("pads", 0, 2 * rank, least: 0))
            : node.HasAttribute("pads") ? throw node.Error($"it has both pads and the auto_pad {rule}")
            : (strides, dilations, new long[2 * rank]);

        long[] Setting(string name, long otherwise, int count, long least)
        {
            long[] numbers = node.Ints(name) ?? [.. Enumerable.Repeat(otherwise, count)];
            RequireCount(node, name, numbers, count);
            return numbers.All(number => number >= least) ? numbers : throw node.Error($"its {name} are [{string.Join(", ", numbers)}]; expected {least} or more");
        }
    }

    private static void RequireCount(OnnxNode node, string name, long[] numbers, int count)
    {
        if (numbers.Length != count)
        {
            throw node.Error($"its {name} are [{string.Join(", ", numbers)}]; expected {count} numbers");
        }
    }

    // Splits total padding into before and after; an odd pixel goes after the image, or before it.
    private static long[] Shared(bool isMoreAfter, long[] total) => [.. total.Select(pixels => isMoreAfter ? pixels / 2 : pixels - (pixels / 2)), .. total.Select(pixels => isMoreAfter ? pixels - (pixels / 2) : pixels / 2)];
}
