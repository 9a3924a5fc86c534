using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Layout;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Passes;

/// <summary>An operator on rows of pixels.</summary>
/// <param name="node">The operator in the original graph.</param>
/// <param name="inputs">Its inputs, at least one of them in rows.</param>
/// <returns>Its result; null if it cannot be computed in rows.</returns>
internal delegate LayoutValue? PixelMajorRule(Node node, ImmutableArray<LayoutValue> inputs);

/// <summary>The table of operators that work directly on rows of pixels; for the others, rows are converted back to images.</summary>
internal static class PixelMajorRules
{
    private static readonly Dictionary<string, PixelMajorRule> Table = new()
    {
        ["Reshape"] = Reshape,
        ["Concat"] = Concat,
        ["Slice"] = Slice,
        ["ReduceSum"] = (node, inputs) => Reduce(node, inputs, isMean: false),
        ["ReduceMean"] = (node, inputs) => Reduce(node, inputs, isMean: true),
        ["Resize"] = Repeat,
        ["AveragePool"] = AverageBlocks,
        [Primitive.Normalize] = Normalize,
        [Primitive.ReciprocalDeviation] = ReciprocalDeviation,
    };

    /// <summary>Computes an operator's result in rows; null if that is not possible.</summary>
    public static LayoutValue? Apply(Node node, ImmutableArray<LayoutValue> inputs) =>
        node.IsOpaque || !inputs.Any(input => input.IsInRows) ? null
        : Operators.IsElementwise(node.OperatorType) ? ApplyElementwise(node, inputs)
        : Table.GetValueOrDefault(node.OperatorType)?.Invoke(node, inputs);

    private static LayoutValue? ApplyElementwise(Node node, ImmutableArray<LayoutValue> inputs)
    {
        var shape = node.Outputs[0].Shape;
        if (shape.Rank < 2 || Common(shape, inputs) is not { } order)
        {
            return null;
        }

        Shape others = [.. shape.SkipLast(2)];
        if (Combine(node.OperatorType, inputs, others, order) is { } sum)
        {
            return LayoutValue.Of(sum);
        }

        var operands = inputs.Select(input => Operand(input, others, order)).ToArray();
        return operands.Any(operand => operand is null) ? null : LayoutValue.Of(new PixelMajorRows([.. Enumerable.Range(0, order.ChunkSizes.Length).Select(Part)], order.Map));

        Value Part(int index)
        {
            ImmutableArray<Value> parts = [.. operands.Select(operand => operand!.Value is [var once] ? once : operand.Value[index])];
            var result = parts.Select(part => part.Shape).Aggregate(Shape.Broadcast);
            return new Node(node.OperatorType, parts, node.Attributes, (node.Outputs[0].Type, result)).Outputs[0];
        }
    }

    // Sums, and products with numbers per image and channel, which can be deferred; null for anything else.
    private static AffineRows? Combine(string operatorType, ImmutableArray<LayoutValue> inputs, Shape others, PixelOrder order)
    {
        if (operatorType == "Neg")
        {
            return inputs[0].Affine.Negated();
        }

        if (operatorType is not ("Add" or "Sub" or "Mul"))
        {
            return null;
        }

        var (a, b) = (Images(inputs[0]), Images(inputs[1]));
        var (numbersA, numbersB) = (a is null ? Numbers(inputs[0], others) : null, b is null ? Numbers(inputs[1], others) : null);
        return (operatorType, a, b) switch
        {
            ("Add", not null, not null) => a.Plus(b),
            ("Sub", not null, not null) => a.Plus(b.Negated()),
            ("Mul", not null, not null) => a.Times(b),
            ("Add", not null, null) when numbersB is not null => a.Plus(numbersB),
            ("Sub", not null, null) when numbersB is not null => a.Plus(-numbersB),
            ("Mul", not null, null) when numbersB is not null => a.Times(numbersB),
            ("Add", null, not null) when numbersA is not null => b.Plus(numbersA),
            ("Sub", null, not null) when numbersA is not null => b.Negated().Plus(numbersA),
            ("Mul", null, not null) when numbersA is not null => b.Times(numbersA),
            _ => null,
        };

        // An operand that is a full image; null if it broadcasts.
        AffineRows? Images(LayoutValue input)
        {
            if (!input.Shape.SequenceEqual([.. others, order.Map.Height, order.Map.Width]))
            {
                return null;
            }

            return input.Affine.Order.Equals(order) ? input.Affine : new AffineRows(input.Rows.In(order));
        }
    }

    // The order that most of the operands' pixels already have; null if none are in rows.
    private static PixelOrder? Common(Shape shape, ImmutableArray<LayoutValue> inputs)
    {
        PixelOrder[] orders =
        [
            .. inputs.Where(input => input.IsInRows).Select(input => input.Affine.Order).Where(order => (order.Map.Height, order.Map.Width) == (shape[^2], shape[^1])),
        ];
        var finest = orders.MaxBy(order => (order.Map.Rows, order.ChunkSizes.Length));
        return finest is null || finest.Map.IsOneToOne || orders.All(order => order.Map.Equals(finest.Map)) ? finest : PixelOrder.RowMajor([shape[^2], shape[^1]]);
    }

    // An operand that broadcasts with [rows, others...], in parts or once for all; null if it repeats rows or columns of an image.
    private static ImmutableArray<Value>? Operand(LayoutValue input, Shape others, PixelOrder order) =>
        Numbers(input, others) is { } numbers ? [numbers]
        : input.Shape.Rank >= 2 && (input.Shape[^2], input.Shape[^1]) == (order.Map.Height, order.Map.Width) ? input.Rows.In(order).Select(part => Align(part, others)).Parts
        : null;

    // One number for everything, or one for all pixels of an image and channel; null for anything else. Expanded to all
    // images, it is added to whole rows at once.
    private static Value? Numbers(LayoutValue input, Shape others)
    {
        if (input.Shape is { ElementCount: 1, HasBatch: false })
        {
            return input.Images == Value.Absent ? input.Images : Ops.Reshape(input.Images, Shape.Scalar);
        }

        if (input.Shape.Rank < 2 || input.Shape[^2] != 1 || input.Shape[^1] != 1)
        {
            return null;
        }

        var numbers = Align(input.Rows.Values, others);
        return numbers.Type == ElementType.Float32 && numbers.Shape.HasBatch == others.HasBatch ? BroadcastTo(numbers, [1, .. others]) : numbers;
    }

    // [rows, B] to [rows, 1, B], to broadcast with [rows, A, B].
    private static Value Align(Value rows, Shape others) =>
        Ops.Reshape(rows, [rows.Shape[0], .. Enumerable.Repeat(1L, others.Rank - (rows.Shape.Rank - 1)), .. rows.Shape.Skip(1)]);

    // The image's axes stay, the others are regrouped.
    private static LayoutValue? Reshape(Node node, ImmutableArray<LayoutValue> inputs)
    {
        var (from, to) = (inputs[0].Shape, node.Outputs[0].Shape);
        return from.Rank >= 2 && to.Rank >= 2 && from[^2] == to[^2] && from[^1] == to[^1]
            ? LayoutValue.Of(inputs[0].Affine.Select(rows => rows.Select(Regroup), Regroup))
            : null;

        // Numbers that are the same for a whole batch of unknown size are stored once, with an axis of 1 for each that the batch is divided into.
        Value Regroup(Value values) => Ops.Reshape(values, [values.Shape[0], .. values.Shape.HasBatch ? to.SkipLast(2) : Once([.. to.SkipLast(2)])]);

        IEnumerable<long> Once(Shape others)
        {
            int ofBatch = Enumerable.Range(1, others.Rank).FirstOrDefault(axes => others.Take(axes).Aggregate((product, size) => product * size) == from[0]);
            return others.Select((size, axis) => size < 0 || (from[0] < 0 && axis < ofBatch) ? 1 : size);
        }
    }

    private static LayoutValue? Concat(Node node, ImmutableArray<LayoutValue> inputs)
    {
        int axis = (int)node.Attribute<long>("axis");
        return axis < node.Outputs[0].Shape.Rank - 2 && Common(node.Outputs[0].Shape, inputs) is { } order
            ? LayoutValue.Of(new PixelMajorRows(Ops.Concat(axis + 1, [.. inputs.Select(input => input.Rows.In(new PixelOrder(order.Map)).Values)]), order.Map))
            : null;
    }

    private static LayoutValue? Slice(Node node, ImmutableArray<LayoutValue> inputs)
    {
        long Number(int input) => node.Inputs[input].Constant!.As<long>()[0];
        return Number(3) < node.Outputs[0].Shape.Rank - 2
            ? LayoutValue.Of(inputs[0].Rows.Select(part => Ops.Slice(part, (int)Number(3) + 1, Number(1), Number(2), Number(4))))
            : null;
    }

    private static LayoutValue? Reduce(Node node, ImmutableArray<LayoutValue> inputs, bool isMean)
    {
        int rank = inputs[0].Shape.Rank;
        int[] axes = [.. node.Inputs[1].Constant!.As<long>().ToArray().Select(axis => (int)axis)];
        int[] others = [.. axes.Where(axis => axis < rank - 2).Select(axis => axis + 1)];
        if (axes.Length - others.Length == 1 || (isMean && axes.Any(axis => inputs[0].Shape[axis] < 0)))
        {
            return null;
        }

        bool isOverPixels = axes.Length > others.Length, keepDimensions = node.Attribute<long>("keepdims") != 0;
        float factor = isMean ? (float)node.Outputs[0].Shape.ElementCount / inputs[0].Shape.ElementCount : 1f;
        if (!isOverPixels)
        {
            return LayoutValue.Of(inputs[0].Rows.Select(part => Scale(ReduceSum(part, others, keepDimensions))));
        }

        var sum = Scale(ReduceSum(inputs[0].Affine.SumOverPixels(), others, keepDimensions));
        return keepDimensions ? LayoutValue.Of(new PixelMajorRows(sum, PixelMap.RowMajor(1, 1))) : LayoutValue.Of(Ops.Reshape(sum, node.Outputs[0].Shape));

        Value Scale(Value value) => factor == 1f ? value : value * factor;
    }

    private static LayoutValue? Repeat(Node node, ImmutableArray<LayoutValue> inputs)
    {
        var axes = node.Attribute<Interpolation[]>("interpolation");
        return axes.Length == 2 && axes.All(axis => axis.IsRepetition)
            ? LayoutValue.Of(inputs[0].Affine.Select(rows => rows with { Map = rows.Map.Repeat(axes[0].Output / axes[0].Input, axes[1].Output / axes[1].Input) }, numbers => numbers))
            : null;
    }

    // The mean of blocks: the pixels at the same place in their blocks are gathered together, and a matrix product averages.
    private static LayoutValue? AverageBlocks(Node node, ImmutableArray<LayoutValue> inputs)
    {
        var geometry = node.Attribute<ConvolutionGeometry>("geometry");
        if (geometry.SpatialRank != 2 || !geometry.IsTiling)
        {
            return null;
        }

        var x = inputs[0].Rows;
        long taps = geometry.KernelSize.Product();
        var blocks = PixelMap.RowMajor(geometry.OutputSize[0], geometry.OutputSize[1]);
        long[] pixels = geometry.PixelsUnderTaps(); // [blocks, taps]
        var byTap = Gather(x.Values, 0, [.. from tap in Enumerable.Range(0, (int)taps)
                                            from block in Enumerable.Range(0, blocks.Pixels)
                                            select (long)x.Map[pixels[(block * taps) + tap]]]);
        Shape others = [.. x.Values.Shape.Skip(1)];
        var mean = MatMul(ConstantOfShape([1, taps], 1f / taps), Ops.Reshape(byTap, [taps, blocks.Rows * others.Product()]));
        return LayoutValue.Of(new PixelMajorRows(Ops.Reshape(mean, [blocks.Rows, .. others]), blocks));
    }

    private static LayoutValue? Normalize(Node node, ImmutableArray<LayoutValue> inputs) => Moments(node, inputs[0]) is var (centred, inverseDeviation)
        ? LayoutValue.Of(new AffineRows(centred).Times(BroadcastTo(inverseDeviation, centred.Parts[0].Shape.With(0, 1))))
        : null;

    private static LayoutValue? ReciprocalDeviation(Node node, ImmutableArray<LayoutValue> inputs) => Moments(node, inputs[0]) is var (_, inverseDeviation)
        ? LayoutValue.Of(new PixelMajorRows(inverseDeviation, PixelMap.RowMajor(1, 1)))
        : null;

    // x - mean, and (variance + epsilon)^(-1/2), over whole images and perhaps more axes.
    private static (PixelMajorRows Centred, Value ReciprocalDeviation)? Moments(Node node, LayoutValue input)
    {
        long[] axes = node.Attribute<long[]>("axes");
        int rank = input.Shape.Rank;
        if (!axes.Contains(rank - 2) || !axes.Contains(rank - 1) || axes.Any(axis => input.Shape[(int)axis] < 0))
        {
            return null;
        }

        int[] others = [.. axes.Where(axis => axis < rank - 2).Select(axis => (int)axis + 1)];
        float count = axes.Select(axis => input.Shape[(int)axis]).Product();
        var mean = BroadcastTo(Mean(input.Affine), [1, .. input.Shape.SkipLast(2)]);
        var centred = input.Affine.Plus(-mean).Compute();
        return (centred, 1f / Sqrt(Mean(new AffineRows(centred.Select(Square))) + node.Attribute<float>("epsilon")));

        Value Mean(AffineRows rows) => ReduceSum(rows.SumOverPixels(), others, keepDimensions: true) * (1f / count);
    }
}
