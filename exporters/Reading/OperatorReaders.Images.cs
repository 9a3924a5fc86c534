using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Images =>
    [
        Row("Pad", ReadPad),
        RealRow("DepthToSpace", ReadDepthToSpace),
        RealRow("SpaceToDepth", ReadSpaceToDepth),
        Row("Resize", ReadResize),
    ];

    // Negative paddings cut away.
    private static Value? ReadPad(OnnxNode node)
    {
        var x = node[0];
        long[] pads = node.Longs(1);
        int[] axes = node.Has(3) ? [.. node.Longs(3).Select(axis => x.Shape.Axis((int)axis))] : [.. Enumerable.Range(0, x.Shape.Rank)];
        if (pads.Length != 2 * axes.Length)
        {
            throw node.Error($"it has {pads.Length} paddings; expected {2 * axes.Length}");
        }

        string mode = node.Text("mode", "constant");
        EdgeRule? rule = mode switch
        {
            "constant" => null,
            "reflect" => EdgeRule.Reflect,
            "edge" => EdgeRule.Edge,
            "wrap" => EdgeRule.Wrap,
            _ => throw node.Error($"its mode is '{mode}'; ONNX knows constant, reflect, edge and wrap"),
        };
        if (x.Type != ElementType.Float32 && rule is null && node.Has(2))
        {
            return null;
        }

        for (int i = 0; i < axes.Length; i++)
        {
            var (axis, before, after) = (axes[i], pads[i], pads[i + axes.Length]);
            if (before < 0 || after < 0)
            {
                x = Slice(x, axis, Math.Max(0, -before), x.Shape[axis] - Math.Max(0, -after));
            }

            (before, after) = (Math.Max(0, before), Math.Max(0, after));
            x = rule is { } known ? Pad(x, axis, before, after, known) : Pad(x, axis, before, after, node.Scalar(2, 0f));
        }

        return x;
    }

    // Blocks of channels become squares of pixels; by mode the block or the channel is counted first.
    private static Value ReadDepthToSpace(OnnxNode node)
    {
        long side = node.Int("blocksize", 1);
        var (n, channels, h, w) = Quad(node);
        Require(node, channels % (side * side) == 0, $"the {channels} channels do not fall into blocks of {side} x {side}");
        long c = channels / (side * side);
        return node.Text("mode", "DCR") == "CRD"
            ? Reshape(Transpose(Reshape(node[0], [n, c, side, side, h, w]), 0, 1, 4, 2, 5, 3), [n, c, h * side, w * side])
            : Reshape(Transpose(Reshape(node[0], [n, side, side, c, h, w]), 0, 3, 4, 1, 5, 2), [n, c, h * side, w * side]);
    }

    private static Value ReadSpaceToDepth(OnnxNode node)
    {
        long side = node.Int("blocksize", 1);
        var (n, c, h, w) = Quad(node);
        Require(node, side > 0 && h % side == 0 && w % side == 0, $"an image of {h} x {w} does not fall into squares of {side}");
        return Reshape(Transpose(Reshape(node[0], [n, c, h / side, side, w / side, side]), 0, 3, 5, 1, 2, 4), [n, c * side * side, h / side, w / side]);
    }

    private static (long Batch, long Channels, long Height, long Width) Quad(OnnxNode node)
    {
        var shape = node.ShapeOf(0);
        Require(node, shape.Rank == 4, $"its input {shape} is no batch of images");
        return (shape[0], shape[1], shape[2], shape[3]);
    }

    private static void Require(OnnxNode node, bool condition, string problem)
    {
        if (!condition)
        {
            throw node.Error(problem);
        }
    }

    private static Value? ReadResize(OnnxNode node)
    {
        var shape = node[0].Shape;
        if (node[0].Type != ElementType.Float32 || node.Int("antialias", 0) != 0 || node.Text("keep_aspect_ratio_policy", "stretch") != "stretch")
        {
            return null;
        }

        Require(node, (node.Has(2) && node.ShapeOf(2) != [0]) != (node.Has(3) && node.ShapeOf(3) != [0]), "it needs either scales or sizes, and not both");
        var method = node.Text("mode", "nearest") switch
        {
            "nearest" => InterpolationMethod.Nearest,
            "linear" => InterpolationMethod.Linear,
            "cubic" => InterpolationMethod.Cubic,
            var other => throw node.Error($"its mode is '{other}'; ONNX knows nearest, linear and cubic"),
        };
        string mode = node.Text("coordinate_transformation_mode", "half_pixel");
        PixelGrid? grid = mode switch
        {
            "asymmetric" => PixelGrid.Corner,
            "align_corners" => PixelGrid.AlignedCorners,
            "half_pixel" or "pytorch_half_pixel" => PixelGrid.HalfPixel,
            _ => null,
        };
        bool isCubicAsHere = node.Float("cubic_coeff_a", -0.75f) == (float)Interpolation.CubicCoefficient && node.Int("exclude_outside", 0) == 0;
        if (grid is null || (method == InterpolationMethod.Cubic && !isCubicAsHere))
        {
            return null;
        }

        // PyTorch puts a single pixel at the first one.
        Interpolation[] all = [.. Enumerable.Range(0, shape.Rank).Select(axis => Along(node, axis, method, grid.Value))];
        int[] changed = [.. Enumerable.Range(0, shape.Rank).Where(axis => all[axis].Input != all[axis].Output || (!all[axis].IsExact && method != InterpolationMethod.Linear))];
        bool isOnePixel = mode == "pytorch_half_pixel" && changed.Any(axis => all[axis].Output == 1);
        bool isOfImages = shape.Rank > 2 && changed.All(axis => axis >= 2);
        bool isRepetition = mode == "asymmetric" && node.Text("nearest_mode", "round_prefer_floor") == "floor" && all.All(axis => axis.IsRepetition);
        return isOnePixel || changed.Any(axis => shape[axis] < 1) ? null
            : changed.Length == 0 ? node[0]
            : method == InterpolationMethod.Nearest && !(isOfImages && isRepetition) ? changed.Aggregate(node[0], (x, axis) => Nearest(node, x, axis, all[axis], mode))
            : isOfImages ? Resize(node[0], all.AsSpan(2))
            : changed.Aggregate(node[0], (x, axis) => all[axis].Taps.Apply(x, axis));
    }

    // Which pixels are taken, in ONNX Runtime's arithmetic of 32 bits.
    private static Value Nearest(OnnxNode node, Value x, int axis, Interpolation along, string mode)
    {
        float scale = along.IsExact ? (float)along.Output / along.Input : (float)along.Factor;
        string rounding = node.Text("nearest_mode", "round_prefer_floor");
        return Gather(x, axis, [.. Enumerable.Range(0, (int)along.Output).Select(pixel => Math.Clamp(Rounded(Place(pixel)), 0, along.Input - 1))]);

        float Place(long pixel) => mode switch
        {
            _ when scale == 1 => pixel,
            "asymmetric" => pixel / scale,
            "align_corners" => along.Output == 1 ? 0 : (float)pixel * (along.Input - 1) / (along.Output - 1),
            _ => ((pixel + 0.5f) / scale) - 0.5f,
        };

        long Rounded(float place) => (long)(rounding switch
        {
            "floor" => MathF.Floor(place),
            "ceil" => MathF.Ceiling(place),
            "round_prefer_ceil" => MathF.Floor(place + 0.5f),
            _ => MathF.Ceiling(place - 0.5f),
        });
    }

    // What a resizing does to one axis; those that it does not name stay.
    private static Interpolation Along(OnnxNode node, int axis, InterpolationMethod method, PixelGrid grid)
    {
        var shape = node.ShapeOf(0);
        int[] named = [.. node.Ints("axes")?.Select(name => shape.Axis((int)name)) ?? Enumerable.Range(0, shape.Rank)];
        int place = Array.IndexOf(named, axis);
        if (place < 0 || shape[axis] < 0)
        {
            return new Interpolation(method, grid, 1, 1);
        }

        if (node.Has(3) && node.ShapeOf(3) != [0])
        {
            Size[] sizes = node.Sizes(3);
            Require(node, sizes.Length == named.Length, $"it has {sizes.Length} sizes for {named.Length} axes");
            return new Interpolation(method, grid, shape[axis], sizes[place] is { IsFixed: true, Fixed: > 0 } size ? size.Fixed : throw node.Error($"the size {sizes[place]} of axis {axis} is none that an image can have"));
        }

        float[] scales = node.Floats(2);
        Require(node, scales.Length == named.Length && scales[place] > 0, $"its scales are [{string.Join(", ", scales)}] for {named.Length} axes");
        double factor = scales[place];
        return new Interpolation(method, grid, shape[axis], (long)Math.Floor(shape[axis] * factor), factor);
    }
}
