using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

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

    // Negative padding crops.
    private static Value? ReadPad(OnnxNode node)
    {
        var x = node[0];
        long[] pads = node.Longs(1);
        int[] axes = node.Has(3) ? [.. node.Longs(3).Select(axis => x.Shape.Axis(axis))] : [.. Enumerable.Range(0, x.Shape.Rank)];
        Require(node, node.ShapeOf(1) == [2 * axes.Length], $"its paddings are of shape {node.ShapeOf(1)}; expected [{2 * axes.Length}]");
        Require(node, axes.Distinct().Count() == axes.Length, $"it names an axis twice: [{string.Join(", ", axes)}]");

        EdgeRule? rule = node.OneOf("mode", "constant", "reflect", "edge", "wrap") switch
        {
            "reflect" => EdgeRule.Reflect,
            "edge" => EdgeRule.Edge,
            "wrap" => EdgeRule.Wrap,
            _ => null,
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
        return node.OneOf("mode", "DCR", "CRD") == "CRD"
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
        Require(node, shape.Rank == 4, $"its input {shape} is not a batch of images");
        return (shape[0], shape[1], shape[2], shape[3]);
    }

    private static void Require(OnnxNode node, bool condition, string problem)
    {
        if (!condition)
        {
            throw node.Error(problem);
        }
    }

    // Above this size, tables of source pixels would be larger than what they save.
    private const long LargestTable = 1 << 24;

    private const long MostNumbers = 1L << 32;

    private static Value? ReadResize(OnnxNode node)
    {
        var shape = node[0].Shape;
        int named = node.Ints("axes")?.Length ?? shape.Rank;
        Require(node, (node.Has(2) && node.ShapeOf(2) != [0]) != (node.Has(3) && node.ShapeOf(3) != [0]), "it needs either scales or sizes, and not both");
        int given = node.Has(3) && node.ShapeOf(3) != [0] ? 3 : 2;
        Require(node, node.ShapeOf(given) == [named], $"its {(given == 3 ? "sizes" : "scales")} are of shape {node.ShapeOf(given)}, for {named} axes");
        Require(node, given == 3 || node.Known(2) is not { } scales || scales.Reals.All(scale => scale > 0 && float.IsFinite(scale)), "its scales are not all positive numbers");
        if (node[0].Type != ElementType.Float32 || node.Int("antialias", 0) != 0 || node.Text("keep_aspect_ratio_policy", "stretch") != "stretch")
        {
            return null;
        }

        var method = node.OneOf("mode", "nearest", "linear", "cubic") switch
        {
            "nearest" => InterpolationMethod.Nearest,
            "linear" => InterpolationMethod.Linear,
            _ => InterpolationMethod.Cubic,
        };
        string mode = node.OneOf("coordinate_transformation_mode", "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize");
        string rounding = node.OneOf("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil");
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
        int[] changed = [.. Enumerable.Range(0, shape.Rank).Where(axis => all[axis].Input != all[axis].Output || !all[axis].IsExact)];
        bool isOnePixel = mode == "pytorch_half_pixel" && changed.Any(axis => all[axis].Output == 1);
        Require(node, all.Aggregate((Int128)1, (count, axis) => count * axis.Output) <= MostNumbers, $"its result of [{string.Join(", ", all.Select(axis => axis.Output))}] has more numbers than memory holds");
        if (all.All(axis => axis.Input == axis.Output))
        {
            return node[0]; // which ONNX Runtime copies, whatever the scales
        }

        if (changed.Any(axis => all[axis].Output > LargestTable))
        {
            return null;
        }

        bool isShifted = changed.Any(axis => all[axis].Input == all[axis].Output);
        bool isOfImages = !isShifted && shape.Rank > 2 && changed.All(axis => axis >= 2);
        bool isRepetition = mode == "asymmetric" && rounding == "floor" && all.All(axis => axis.IsRepetition);
        return isOnePixel || changed.Any(axis => shape[axis] < 1) ? null
            : method == InterpolationMethod.Nearest && !(isOfImages && isRepetition) ? changed.Aggregate(node[0], (x, axis) => Nearest(x, axis, all[axis], mode, rounding))
            : isOfImages ? Resize(node[0], all.AsSpan(2))
            : changed.Aggregate(node[0], (x, axis) => (all[axis] with { CopiesEqualSizes = false }).Taps.Apply(x, axis));
    }

    // Which pixels are taken, in ONNX Runtime's 32-bit arithmetic.
    private static Value Nearest(Value x, int axis, Interpolation along, string mode, string rounding)
    {
        float scale = along.IsExact ? (float)along.Output / along.Input : (float)along.Factor;
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

    // What a resize does to one axis; axes that it does not name stay the same.
    private static Interpolation Along(OnnxNode node, int axis, InterpolationMethod method, PixelGrid grid)
    {
        var shape = node.ShapeOf(0);
        int[] named = [.. node.Ints("axes")?.Select(name => shape.Axis(name)) ?? Enumerable.Range(0, shape.Rank)];
        int place = Array.IndexOf(named, axis);
        if (place < 0)
        {
            return new Interpolation(method, grid, 1, 1);
        }

        if (shape[axis] < 0)
        {
            bool stays = node.Has(3) && node.ShapeOf(3) != [0] ? node.Sizes(3)[place] == Size.OfDimension(shape[axis]) : node.Floats(2)[place] == 1;
            return stays ? new Interpolation(method, grid, 1, 1) : throw node.Error($"it changes axis {axis} of {shape}, which is the symbolic batch");
        }

        if (node.Has(3) && node.ShapeOf(3) != [0])
        {
            return new Interpolation(method, grid, shape[axis], node.Sizes(3)[place] is { IsFixed: true, Fixed: > 0 } size ? size.Fixed : throw node.Error($"the size {node.Sizes(3)[place]} of axis {axis} is not a valid image size"));
        }

        double factor = node.Floats(2)[place];
        return new Interpolation(method, grid, shape[axis], (long)Math.Floor(shape[axis] * factor), factor);
    }
}
