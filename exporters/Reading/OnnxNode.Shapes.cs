using OnnxVae.Exporters.Graph;
using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <content>What the settings of nodes say about shapes and axes.</content>
internal sealed partial class OnnxNode
{
    /// <summary>The axis of the first input that an attribute names.</summary>
    public int Axis(long otherwise) => ShapeOf(0).Axis(Int("axis", otherwise));

    /// <summary>The axes, an attribute in older operator sets and an input in newer ones; null for all.</summary>
    public long[]? Axes(int input) => Ints("axes") ?? (Has(input) ? Longs(input) : null);

    /// <summary>The axes of a reduction.</summary>
    public int[] ReducedAxes() => Axes(1) is { Length: > 0 } axes
        ? [.. axes.Select(axis => ShapeOf(0).Axis(axis))]
        : Int("noop_with_empty_axes", 0) != 0 ? [] : [.. Enumerable.Range(0, ShapeOf(0).Rank)];

    /// <summary>Whether the axes of a reduction are kept with size 1.</summary>
    public bool KeepsDimensions() => Int("keepdims", 1) != 0;

    /// <summary>A shape that is an input.</summary>
    public Shape Dimensions(int input) => [.. Sizes(input).Select(size => size.ToDimension() ?? throw Error($"it asks for the size {size}, which is not a valid dimension"))];

    /// <summary>The shape that the second input of a reshape asks for: 0 copies a size, -1 is inferred.</summary>
    public Shape Resolve(Shape old)
    {
        bool zeroIsZero = Int("allowzero", 0) != 0;
        Size[] sizes = Sizes(1);
        int open = Array.IndexOf(sizes, -1);
        long[] dimensions = [.. sizes.Select((size, axis) => axis == open ? 1
            : size == 0 && !zeroIsZero ? axis < old.Rank ? old[axis] : throw Error($"it copies the size of axis {axis}, which {old} does not have")
            : size.ToDimension() ?? throw Error($"it asks for the size {size}, which is not a valid dimension"))];
        if (open >= 0)
        {
            Shape others = [.. dimensions];
            if (others.ElementCount == 0 || old.ElementCount % others.ElementCount != 0 || (others.HasBatch && !old.HasBatch))
            {
                throw Error($"{old} has no size left for axis {open} next to the others, [{string.Join(", ", sizes)}]");
            }

            dimensions[open] = (old.HasBatch && !others.HasBatch ? -1 : 1) * (old.ElementCount / others.ElementCount);
        }

        Shape shape = [.. dimensions];
        return shape.ElementCount == old.ElementCount && shape.HasBatch == old.HasBatch ? shape
            : throw Error($"{old} cannot take the shape [{string.Join(", ", sizes)}]");
    }

    public Shape Flattened()
    {
        var shape = ShapeOf(0);
        long axis = Int("axis", 1);
        axis = axis < 0 ? axis + shape.Rank : axis;
        return axis >= 0 && axis <= shape.Rank
            ? [shape.Take((int)axis).Product(), shape.Skip((int)axis).Product()]
            : throw Error($"axis {Int("axis", 1)} is outside {shape}");
    }

    public Shape Squeezed()
    {
        var shape = ShapeOf(0);
        var gone = Axes(1) is { Length: > 0 } axes ? axes.Select(axis => shape.Axis(axis)).ToHashSet() : [.. Enumerable.Range(0, shape.Rank).Where(axis => shape[axis] == 1)];
        return gone.Any(axis => shape[axis] != 1)
            ? throw Error($"axes {string.Join(", ", gone)} of {shape} do not all have size 1")
            : [.. shape.Where((_, axis) => !gone.Contains(axis))];
    }

    public Shape Unsqueezed()
    {
        long[] axes = Axes(1) ?? throw Error("it does not say which axes it adds");
        int rank = ShapeOf(0).Rank + axes.Length;
        var added = axes.Where(axis => axis >= -rank && axis < rank).Select(axis => (axis + rank) % rank).ToHashSet();
        var sizes = new Queue<long>(ShapeOf(0));
        return added.Count == axes.Length
            ? [.. Enumerable.Range(0, rank).Select(axis => added.Contains(axis) ? 1 : sizes.Dequeue())]
            : throw Error($"the axes [{string.Join(", ", axes)}] cannot be added to {ShapeOf(0)}");
    }

    /// <summary>The order of axes of a transposition; reversed by default.</summary>
    public int[] Permutation()
    {
        int rank = ShapeOf(0).Rank;
        long[] order = Ints("perm") ?? [.. Enumerable.Range(0, rank).Reverse().Select(axis => (long)axis)];
        return order.Order().SequenceEqual(Enumerable.Range(0, rank).Select(axis => (long)axis)) ? [.. order.Select(axis => (int)axis)] : throw Error($"[{string.Join(", ", order)}] is not a permutation of the axes of {ShapeOf(0)}");
    }

    /// <summary>The part that a slice takes of each axis that it names.</summary>
    public IEnumerable<(int Axis, long Start, long Count, long Step)> SlicesOf(Shape shape)
    {
        Size[] starts = Sizes(1), ends = Sizes(2);
        long[] axes = Has(3) ? Longs(3) : [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)];
        long[] steps = Has(4) ? Longs(4) : [.. starts.Select(_ => 1L)];
        if (ends.Length != starts.Length || axes.Length != starts.Length || steps.Length != starts.Length || steps.Contains(0))
        {
            throw Error($"it has {starts.Length} starts, {ends.Length} ends, {axes.Length} axes and the steps [{string.Join(", ", steps)}]");
        }

        if (axes.Select(shape.Axis).Distinct().Count() < axes.Length)
        {
            throw Error($"it names an axis twice: [{string.Join(", ", axes)}]");
        }

        return axes.Select((named, i) =>
        {
            int axis = shape.Axis(named);
            long size = shape[axis], step = steps[i];
            if (size < 0)
            {
                return starts[i] == 0 && step == 1 && (ends[i] == Size.OfDimension(size) || ends[i] is { IsFixed: true, Fixed: >= int.MaxValue })
                    ? (axis, 0, size, 1)
                    : throw new NotKnownException($"it takes a part of axis {axis} of {shape}, which is the symbolic batch");
            }

            long start = Clamped(starts[i], step < 0 ? size - 1 : size), end = Clamped(ends[i], step < 0 ? size - 1 : size);
            long reach = step > 0 ? end - start : start - end;
            long count = reach <= 0 ? 0 : ((reach - 1) / Math.Max(1, Math.Abs(Math.Max(step, -long.MaxValue)))) + 1;
            return (axis, start, count, count < 2 ? Math.Sign(step) : step);

            // Backwards, -1 is the end before the first entry.
            long Clamped(Size place, long most)
            {
                if (!place.IsFixed)
                {
                    throw new NotKnownException($"it takes a part of {shape} that depends on the symbolic batch");
                }

                long index = place.Fixed < 0 ? place.Fixed + size : place.Fixed;
                return Math.Clamp(index, step < 0 ? -1 : 0, Math.Max(most, step < 0 ? -1 : 0));
            }
        });
    }

    /// <summary>For each place of a matrix in the last two axes, whether the upper or lower triangle includes it.</summary>
    public bool[] KeptByTrilu(Shape shape)
    {
        long diagonal = Has(1) ? Longs(1)[0] : 0;
        bool isUpper = Int("upper", 1) != 0;
        long columns = shape[^1];
        return [.. Enumerable.Range(0, (int)(shape[^2] * columns)).Select(i => isUpper ? (i % columns) - (i / columns) >= diagonal : (i % columns) - (i / columns) <= diagonal)];
    }
}
