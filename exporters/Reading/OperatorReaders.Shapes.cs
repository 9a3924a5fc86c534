using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Reading;

internal static partial class OperatorReaders
{
    private static KeyValuePair<string, Func<OnnxNode, IReadOnlyList<Value>?>>[] Shapes =>
    [
        Row("Constant", node => node.Tensor("value") is { } tensor ? Value.Of(ProtoTensors.Read(tensor)) : ReadNumbers(node)),
        Row("ConstantOfShape", ReadConstantOfShape),
        Row("Reshape", node => Reshape(node[0], Resolve(node[0].Shape, node.Longs(1), node.Int("allowzero", 0) != 0))),
        Row("Flatten", ReadFlatten),
        Row("Squeeze", ReadSqueeze),
        Row("Unsqueeze", ReadUnsqueeze),
        Row("Transpose", node => Transpose(node[0], [.. (node.Ints("perm") ?? [.. Enumerable.Range(0, node[0].Shape.Rank).Select(i => (long)i).Reverse()]).Select(axis => (int)axis)])),
        Row("Concat", node => Concat((int)node.Int("axis", 0), [.. Enumerable.Range(0, node.Count).Select(i => node[i])])),
        new("Split", ReadSplit),
        Row("Slice", ReadSlice),
        Row("Gather", ReadGather),
        Row("Pad", ReadPad),
        Row("Expand", node => node[0].Type == ElementType.Float32 ? BroadcastTo(node[0], Shape.Broadcast(node[0].Shape, [.. node.Longs(1)])) : null),
        Row("Resize", ReadResize),
    ];

    private static Value? ReadNumbers(OnnxNode node) =>
        node.Ints("value_ints") is { Length: > 0 } ints ? Value.Indices(ints)
        : node.Int("value_int", long.MinValue) is var number and not long.MinValue ? Value.Of<long>(Shape.Scalar, number)
        : node.Float("value_float", float.NaN) is var real and not float.NaN ? real
        : null;

    private static Value? ReadConstantOfShape(OnnxNode node)
    {
        var fill = node.Tensor("value") is { } tensor ? ProtoTensors.Read(tensor) : Tensor.From<float>([1], 0f);
        Shape shape = [.. node.Longs(0)];
        return fill.Type switch
        {
            ElementType.Float32 => ConstantOfShape(shape, fill.As<float>()[0]),
            ElementType.Int64 => Value.Of<long>(shape, [.. Enumerable.Repeat(fill.As<long>()[0], (int)shape.ElementCount)]),
            _ => null,
        };
    }

    // 0 copies a size, -1 is what is left.
    private static Shape Resolve(Shape old, long[] sizes, bool zeroIsZero)
    {
        long[] copied = [.. sizes.Select((size, i) => size == 0 && !zeroIsZero ? old[i] : size)];
        int open = Array.IndexOf(sizes, -1);
        if (open < 0 || (old.HasBatch && !copied.Where((_, i) => i != open).Contains(Shape.Batch)))
        {
            return [.. copied]; // an open size stands for the batch
        }

        copied[open] = old.ElementCount / copied.Where((size, i) => i != open && size != Shape.Batch).Product();
        return [.. copied];
    }

    private static Value ReadFlatten(OnnxNode node)
    {
        var shape = node[0].Shape;
        int axis = (int)node.Int("axis", 1);
        axis = axis < 0 ? axis + shape.Rank : axis;
        return Reshape(node[0], [shape.Take(axis).Product(), shape.Skip(axis).Product()]);
    }

    private static Value ReadSqueeze(OnnxNode node)
    {
        var shape = node[0].Shape;
        var gone = node.Axes(1)?.Select(axis => shape.Axis((int)axis)).ToHashSet() ?? [.. Enumerable.Range(0, shape.Rank).Where(i => shape[i] == 1)];
        return Reshape(node[0], [.. shape.Where((_, i) => !gone.Contains(i))]);
    }

    private static Value ReadUnsqueeze(OnnxNode node)
    {
        long[] axes = node.Axes(1)!;
        int rank = node[0].Shape.Rank + axes.Length;
        var added = axes.Select(axis => (axis + rank) % rank).ToHashSet();
        var sizes = new Queue<long>(node[0].Shape);
        return Reshape(node[0], [.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? 1 : sizes.Dequeue())]);
    }

    private static IReadOnlyList<Value> ReadSplit(OnnxNode node)
    {
        int axis = node[0].Shape.Axis((int)node.Int("axis", 0));
        long size = node[0].Shape[axis], part = (size + node.OutputCount - 1) / node.OutputCount;
        long[] sizes = node.Ints("split") ?? (node.Has(1)
            ? node.Longs(1)
            : [.. Enumerable.Range(0, node.OutputCount).Select(i => Math.Min(part, size - (i * part)))]);
        long start = 0;
        return [.. sizes.Select(length => Slice(node[0], axis, start, start += length))];
    }

    private static Value? ReadSlice(OnnxNode node)
    {
        long[] starts = node.Longs(1), ends = node.Longs(2);
        long[] axes = node.Has(3) ? node.Longs(3) : [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
        long[] steps = node.Has(4) ? node.Longs(4) : [.. starts.Select(_ => 1L)];
        if (steps.Any(step => step < 1))
        {
            return null;
        }

        return Enumerable.Range(0, starts.Length).Aggregate(node[0], (x, i) =>
        {
            long size = x.Shape[x.Shape.Axis((int)axes[i])];
            long Position(long index) => Math.Clamp(index < 0 ? index + size : index, 0, size);
            return Slice(x, (int)axes[i], Position(starts[i]), Position(ends[i]), steps[i]);
        });
    }

    // Negative positions count from the end.
    private static Value ReadGather(OnnxNode node)
    {
        int axis = node[0].Shape.Axis((int)node.Int("axis", 0));
        long size = node[0].Shape[axis];
        var indices = node[1].Constant is { Type: ElementType.Int64 }
            ? Value.Of<long>(node[1].Shape, [.. node.Longs(1).Select(index => index < 0 ? index + size : index)])
            : FromStart(Cast(node[1], ElementType.Int64), size);
        return Gather(node[0], axis, indices);
    }

    // Those beyond the end stay, for the runtime to refuse.
    private static Value FromStart(Value positions, long size) =>
        positions + (Value.Of<long>(Shape.Scalar, size) * Cast(Greater(Value.Of<long>(Shape.Scalar, 0L), positions), ElementType.Int64));

    private static Value? ReadPad(OnnxNode node)
    {
        int rank = node[0].Shape.Rank;
        long[] given = node.Longs(1);
        int[] axes = node.Has(3) ? [.. node.Longs(3).Select(axis => node[0].Shape.Axis((int)axis))] : [.. Enumerable.Range(0, rank)];
        var (before, after) = (new long[rank], new long[rank]);
        for (int i = 0; i < axes.Length; i++)
        {
            (before[axes[i]], after[axes[i]]) = (given[i], given[i + axes.Length]);
        }

        return node.Text("mode", "constant") == "constant" && given.All(pixels => pixels >= 0)
            ? Pad(node[0], before, after, node.Scalar(2, 0f))
            : null;
    }

    private static Value? ReadResize(OnnxNode node)
    {
        var shape = node[0].Shape;
        if (shape.Rank < 3 || node.Int("antialias", 0) != 0 || node.Text("keep_aspect_ratio_policy", "stretch") != "stretch")
        {
            return null;
        }

        var method = node.Text("mode", "nearest") switch
        {
            "nearest" => InterpolationMethod.Nearest,
            "linear" => InterpolationMethod.Linear,
            _ => InterpolationMethod.Cubic,
        };
        PixelGrid? grid = node.Text("coordinate_transformation_mode", "half_pixel") switch
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

        Interpolation[] all = [.. Enumerable.Range(0, shape.Rank).Select(axis => Along(node, axis, method, grid.Value))];
        bool stays = all.Take(2).All(axis => axis.Input == axis.Output);
        bool isNearestAsHere = method != InterpolationMethod.Nearest
            || (grid == PixelGrid.Corner && node.Text("nearest_mode", "round_prefer_floor") == "floor" && all.All(axis => axis.IsRepetition));
        bool isOnePixel = node.Text("coordinate_transformation_mode", "") == "pytorch_half_pixel" && all.Any(axis => axis.Output == 1);
        return stays && isNearestAsHere && !isOnePixel ? Resize(node[0], all.AsSpan(2)) : null;
    }

    // What a resizing does to one axis; those that it does not name stay.
    private static Interpolation Along(OnnxNode node, int axis, InterpolationMethod method, PixelGrid grid)
    {
        var shape = node[0].Shape;
        int[] named = [.. node.Ints("axes")?.Select(name => shape.Axis((int)name)) ?? Enumerable.Range(0, shape.Rank)];
        int place = Array.IndexOf(named, axis);
        if (place < 0 || shape[axis] == Shape.Batch)
        {
            return new Interpolation(method, grid, 1, 1);
        }

        if (node.Has(3))
        {
            return new Interpolation(method, grid, shape[axis], node.Longs(3)[place]);
        }

        double factor = node.Floats(2)[place];
        return new Interpolation(method, grid, shape[axis], (long)Math.Floor(shape[axis] * factor), factor);
    }
}
