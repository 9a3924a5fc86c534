using OnnxVae.Format;

namespace OnnxVae.Exporters.Reading;

/// <summary>
/// Computes, while a file is read, whatever depends only on constants and shapes, as exporters write it: sizes, axes, masks. The table has the
/// operators that are computed; a row returns null if it cannot tell.
/// </summary>
internal static partial class ConstantFolding
{
    private static readonly Dictionary<string, Func<OnnxNode, KnownTensor?>> Rows = new([.. Arithmetic, .. Arrangements]);

    /// <summary>The result of a node whose inputs are all known, or that asks for a shape; null for others.</summary>
    /// <exception cref="InvalidDataException">There is no result: a division by zero, an index out of range.</exception>
    public static KnownTensor? TryFold(string operatorType, OnnxNode node) =>
        operatorType is "Shape" or "Size" || (node.OutputCount == 1 && node.Count > 0 && Enumerable.Range(0, node.Count).All(i => !node.Has(i) || node.Known(i) is not null))
            ? Rows.GetValueOrDefault(operatorType)?.Invoke(node) is { Count: <= KnownTensor.MostElements } known ? known : null
            : null;

    private static KeyValuePair<string, Func<OnnxNode, KnownTensor?>> Row(string operatorType, Func<OnnxNode, KnownTensor?> fold) => new(operatorType, fold);

    // For each entry of a shape, in row-major order, its position in an array with these strides.
    private static IEnumerable<long> Positions(Shape shape, long start, params long[] strides)
    {
        var index = new long[shape.Rank];
        long position = start;
        for (long left = shape.ElementCount; left > 0; left--)
        {
            yield return position;
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                position += strides[axis];
                if (++index[axis] < shape[axis])
                {
                    break;
                }

                position -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }

    private static long[] Strides(Shape shape)
    {
        var strides = new long[shape.Rank];
        long stride = 1;
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            (strides[axis], stride) = (stride, stride * shape[axis]);
        }

        return strides;
    }

    private static KnownTensor BroadcastTo(KnownTensor x, Shape shape)
    {
        if (x.Shape == shape)
        {
            return x;
        }

        RequireRoom(shape);
        long[] strides = Strides(x.Shape);
        int lead = shape.Rank - x.Shape.Rank;
        return x.Pick(shape, Positions(shape, 0, [.. shape.Select((_, i) => i < lead || x.Shape[i - lead] == 1 ? 0 : strides[i - lead])]));
    }

    private static void RequireRoom(Shape shape)
    {
        if (shape.ElementCount > KnownTensor.MostElements)
        {
            throw new NotKnownException($"it has {shape.ElementCount} numbers, and no more than {KnownTensor.MostElements} are computed while a file is read");
        }
    }
}
