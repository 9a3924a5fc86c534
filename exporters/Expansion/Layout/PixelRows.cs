using System.Collections.Immutable;
using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>
/// Images as a matrix whose rows are pixels: a row holds one pixel of all images and channels. Whatever moves pixels - tiles,
/// padding, upsampling - is then a Gather of whole rows with constant indices, channels are the last axis of matrix products,
/// and what is done to each number alone does not ask for the order of the rows.
/// </summary>
/// <remarks>
/// Rows may come in several parts, one after the other: what is done to each number alone is then done to one part after the
/// other, while it is in the processor's cache.
/// </remarks>
/// <param name="Parts">Float32 or Bool [rows, A, B, ...] for images [A, B, ..., H, W], usually [rows, N, C].</param>
/// <param name="Map">Which row, counted through all parts, holds which pixel.</param>
internal sealed record PixelRows(ImmutableArray<Value> Parts, PixelMap Map)
{
    /// <summary>Rows in one part.</summary>
    public PixelRows(Value values, PixelMap map)
        : this([values], map)
    {
    }

    /// <summary>All rows together.</summary>
    public Value Values => Parts.Length == 1 ? Parts[0] : Concat(0, Parts.AsSpan());

    /// <summary>The shape of the images, [A, B, ..., H, W].</summary>
    public Shape Shape => [.. Parts[0].Shape.Skip(1), Map.Height, Map.Width];

    /// <summary>Images [A, B, ..., H, W] as rows.</summary>
    public static PixelRows From(Value images)
    {
        Shape others = [.. images.Shape.SkipLast(2)];
        long pixels = images.Shape[^2] * images.Shape[^1];
        var map = PixelMap.RowMajor(images.Shape[^2], images.Shape[^1]);
        var rows = pixels == 1 ? images : Transpose(Reshape(images, [others.ElementCount, pixels]), 1, 0);
        return new PixelRows(Reshape(rows, [pixels, .. others]), map);
    }

    /// <summary>The images themselves.</summary>
    public Value ToImages()
    {
        var rows = In(PixelMap.RowMajor(Map.Height, Map.Width)).Values;
        long pixels = rows.Shape[0];
        return Reshape(pixels == 1 ? rows : Transpose(Reshape(rows, [pixels, rows.Shape.Skip(1).Product()]), 1, 0), Shape);
    }

    /// <summary>Rows per part.</summary>
    public ImmutableArray<long> Cuts => [.. Parts.Select(part => part.Shape[0])];

    /// <summary>The same images with their pixels in other rows, in one part.</summary>
    public PixelRows In(PixelMap map) => map.Equals(Map) && Parts.Length == 1 ? this : In(map, [map.Rows]);

    /// <summary>The same images with their pixels in other rows, and these in given parts.</summary>
    public PixelRows In(PixelMap map, ImmutableArray<long> cuts)
    {
        if (map.Equals(Map))
        {
            return cuts.SequenceEqual(Cuts) ? this : cuts.Length == 1 ? new PixelRows(Values, map) : Cut(Enumerable.Range(0, map.Rows).Select(row => (long)row));
        }

        return Cut(Map.RowsFor(map));

        PixelRows Cut(IEnumerable<long> rows)
        {
            var (values, row) = (Values, 0L);
            long[] all = [.. rows];
            return new PixelRows([.. cuts.Select(count => Gather(values, 0, all.AsSpan((int)row..(int)(row += count))))], map);
        }
    }

    /// <summary>Does the same to every part.</summary>
    public PixelRows Select(Func<Value, Value> operation) => this with { Parts = [.. Parts.Select(operation)] };

    /// <summary>The same images with a row of its own for every pixel.</summary>
    public PixelRows OneToOne() => Map.IsOneToOne ? this : In(PixelMap.RowMajor(Map.Height, Map.Width));

    /// <summary>Rows of pixels as a matrix product leaves them.</summary>
    /// <param name="parts">[positions, A, B, ...].</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="positions">The pixel of each row; those outside the image are dropped, the others are all pixels once.</param>
    public static PixelRows At(ImmutableArray<Value> parts, long height, long width, IReadOnlyList<(long Y, long X)> positions)
    {
        bool IsInside((long Y, long X) pixel) => pixel.Y >= 0 && pixel.Y < height && pixel.X >= 0 && pixel.X < width;
        int[] inside = [.. Enumerable.Range(0, positions.Count).Where(i => IsInside(positions[i]))];
        var map = PixelMap.FromRows(height, width, [.. inside.Select(i => (positions[i].Y * width) + positions[i].X)]);
        var rows = new PixelRows(parts, map);
        return inside.Length == positions.Count ? rows : new PixelRows(Gather(rows.Values, 0, [.. inside.Select(i => (long)i)]), map);
    }

    /// <summary>The rows of pixels; zeros where they are outside the image.</summary>
    public Value At(IReadOnlyList<(long Y, long X)> positions)
    {
        long[] rows = [.. positions.Select(pixel => (long)Map.RowAt(pixel.Y, pixel.X))];
        if (rows.Length == Map.Rows && rows.Select((row, i) => row == i).All(same => same))
        {
            return Values;
        }

        var values = rows.Contains(Map.Rows) ? Concat(0, [.. Parts, ConstantOfShape(Parts[0].Shape.With(0, 1), 0f)]) : Values;
        return Gather(values, 0, rows);
    }
}
