using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Passes;

/// <summary>
/// The gradient of a gather. Constant indices are inverted at compile time, which makes it a gather again; others become a
/// product with a one-hot matrix if that is small, and a scatter if it is large.
/// </summary>
internal static class ScatterAddLowering
{
    private const int LargestInvertedShare = 4;
    private const long LargestOneHotSize = 4096;
    private const long LargestOneHotTable = 1L << 26;

    public static Value Lower(Value dy, Value indices, int axis, long size)
    {
        long count = indices.Shape.ElementCount;
        var flat = Reshape(dy, [.. dy.Shape.Take(axis), count, .. dy.Shape.Skip(axis + indices.Shape.Rank)]);
        if (indices.Constant is { } constant && InverseIndex.MostPlaces(constant.As<long>(), size) * size <= LargestInvertedShare * (count + size))
        {
            return GatherPlaces(flat, axis, InverseIndex.Of(constant.As<long>(), size, place => place, none: count));
        }

        // The addressed axis comes first, the others are merged into one.
        int[] order = [axis, .. Enumerable.Range(0, flat.Shape.Rank).Where(i => i != axis)];
        Shape others = [.. order.Skip(1).Select(i => flat.Shape[i])];
        var rows = Reshape(Transpose(flat, order), [count, others.ElementCount]);
        var positions = Reshape(indices, [count]);
        var sums = size <= LargestOneHotSize && count * size <= LargestOneHotTable ? ByOneHot(rows, positions, size) : ByScatter(rows, positions, size);
        return Transpose(Reshape(sums, [size, .. others]), [.. Enumerable.Range(0, order.Length).Select(i => Array.IndexOf(order, i))]);
    }

    private static Value GatherPlaces(Value dy, int axis, IReadOnlyList<long[]> places)
    {
        var padded = Pad(dy, axis, before: 0, after: 1);
        return places.Select(place => Gather(padded, axis, place)).Aggregate((sum, term) => sum + term);
    }

    private static Value ByOneHot(Value rows, Value positions, long size) => Gemm(OneHot(positions, (int)size), rows, transA: true);

    private static Value ByScatter(Value rows, Value positions, long size) =>
        ScatterElements(ConstantOfShape([size, rows.Shape[1]], 0f), Ops.Expand(Reshape(positions, [positions.Shape[0], 1]), rows.Shape), rows);
}
