using System.Collections.Immutable;
using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Exporters.Layout;

/// <summary>
/// Images as a matrix whose rows are pixels: a row holds one pixel of all images and channels. Whatever moves pixels - tiles,
/// padding, upsampling - is then a Gather of whole rows with constant indices, channels are the last axis of matrix products,
/// and elementwise operations do not depend on the order of the rows.
/// </summary>
/// <remarks>
/// Rows may come in several parts, one after the other: elementwise operations are then applied to one part after the
/// other, while it is in the processor's cache.
/// </remarks>
/// <param name="Parts">Float32 or Bool [rows, A, B, ...] for images [A, B, ..., H, W], usually [rows, N, C].</param>
/// <param name="Map">Which row, counted through all parts, holds which pixel.</param>
internal sealed record PixelMajorRows(ImmutableArray<Value> Parts, PixelMap Map)
{
    /// <summary>Rows in one part.</summary>
    public PixelMajorRows(Value values, PixelMap map)
        : this([values], map)
    {
    }

    /// <summary>All rows together.</summary>
    public Value Values => Concat(0, Parts.AsSpan());

    /// <summary>The shape of the images, [A, B, ..., H, W].</summary>
    public Shape Shape => [.. Parts[0].Shape.Skip(1), Map.Height, Map.Width];

    /// <summary>Images [A, B, ..., H, W] as rows.</summary>
    public static PixelMajorRows From(Value images)
    {
        Shape others = [.. images.Shape.SkipLast(2)];
        long pixels = images.Shape[^2] * images.Shape[^1];
        var map = PixelMap.RowMajor(images.Shape[^2], images.Shape[^1]);
        var rows = pixels == 1 ? images : Transpose(Reshape(images, [others.Product(), pixels]), 1, 0);
        return new PixelMajorRows(Reshape(rows, [pixels, .. others]), map);
    }

    /// <summary>Rows converted back to images.</summary>
    public Value ToImages()
    {
        var rows = In(PixelOrder.RowMajor([Map.Height, Map.Width])).Values;
        long pixels = rows.Shape[0];
        return Reshape(pixels == 1 ? rows : Transpose(Reshape(rows, [pixels, rows.Shape.Skip(1).Product()]), 1, 0), Shape);
    }

    /// <summary>The order of the pixels.</summary>
    public PixelOrder Order => new(Map, [.. Parts.Select(part => part.Shape[0])]);

    /// <summary>The same images with their pixels in another order.</summary>
    public PixelMajorRows In(PixelOrder order)
    {
        if (order.Equals(Order))
        {
            return this;
        }

        long[] rows = Map.RowsFor(order.Map);
        int row = 0;
        return new PixelMajorRows([.. order.ChunkSizes.Select(count => Gathered(rows[row..(row += (int)count)]))], order.Map);
    }

    /// <summary>Applies a function to every part.</summary>
    public PixelMajorRows Select(Func<Value, Value> operation) => this with { Parts = [.. Parts.Select(operation)] };

    /// <summary>The same images with a row of its own for every pixel.</summary>
    public PixelMajorRows OneToOne() => Map.IsOneToOne ? this : In(PixelOrder.RowMajor([Map.Height, Map.Width]));

    /// <summary>Rows of pixels as matrix products leave them.</summary>
    /// <param name="order">The order without the pixels outside the image.</param>
    /// <param name="parts">[pixels, A, B, ...], and the pixel of each row.</param>
    public static PixelMajorRows At(PixelOrder order, IEnumerable<(Value Rows, IEnumerable<(long Y, long X)> Pixels)> parts)
    {
        return new PixelMajorRows([.. parts.Select(part => Inside(part.Rows, [.. part.Pixels]))], order.Map);

        Value Inside(Value rows, IReadOnlyList<(long Y, long X)> pixels)
        {
            long[] inside = [.. Enumerable.Range(0, pixels.Count).Where(i => order.Map.Contains(pixels[i].Y, pixels[i].X)).Select(i => (long)i)];
            return inside.Length == pixels.Count ? rows : Gather(rows, 0, inside);
        }
    }

    /// <summary>The same weighted sums of pixels at many places.</summary>
    /// <param name="weights">Constant Float32 [sums, terms].</param>
    /// <param name="positions">The pixels of the first term in all places, then those of the second; zeros outside the image.</param>
    /// <returns>[sums, places A B ...].</returns>
    public Value Combined(Value weights, IReadOnlyList<(long Y, long X)> positions)
    {
        long sums = weights.Shape[0], terms = weights.Shape[1], places = positions.Count / terms;

        // In an image with this few pixels, every sum can run over all pixels, and none need to be gathered.
        var (matrix, rows, columns) = Map.Rows > terms ? (weights, At(positions), terms) : (OverAllRows(weights, positions), Values, Map.Rows);
        var product = MatMul(matrix, Reshape(rows, [columns, rows.Shape.Product() / columns]));
        return Reshape(product, [sums, places * Parts[0].Shape.Skip(1).Product()]);
    }

    /// <summary>The rows of pixels; zeros where they are outside the image.</summary>
    public Value At(IReadOnlyList<(long Y, long X)> positions) => Gathered([.. positions.Select(pixel => (long)Map.RowAt(pixel.Y, pixel.X))]);

    /// <summary>Rows, followed by a row of zeros.</summary>
    /// <param name="parts">Float32 [rows, ...].</param>
    public static Value WithZeroRow(params ReadOnlySpan<Value> parts) => Concat(0, [.. parts, ZeroRow(parts[0])]);

    /// <summary>A row of zeros. If the number of images is open, an existing row gives its size.</summary>
    /// <param name="part">Float32 [rows, ...].</param>
    public static Value ZeroRow(Value part) =>
        part.Shape.HasBatch ? Clip(Slice(part, 0, 0, 1), 0f, 0f) : ConstantOfShape(part.Shape.With(0, 1), 0f);

    // Weights [sums, terms] of pixels at the positions as weights [sums places, rows] of all rows.
    private Value OverAllRows(Value weights, IReadOnlyList<(long Y, long X)> positions)
    {
        int sums = (int)weights.Shape[0], terms = (int)weights.Shape[1], places = positions.Count / terms;
        var ofTerms = weights.Constant!.As<float>();
        var ofRows = new float[sums * places * Map.Rows];
        foreach (var ((y, x), position) in positions.Select((pixel, i) => (pixel, i)).Where(at => Map.Contains(at.pixel.Y, at.pixel.X)))
        {
            var (term, place) = Math.DivRem(position, places);
            for (int sum = 0; sum < sums; sum++)
            {
                ofRows[(((sum * places) + place) * Map.Rows) + Map.RowAt(y, x)] += ofTerms[(sum * terms) + term];
            }
        }

        return Value.Of<float>([sums * places, Map.Rows], ofRows);
    }

    // Rows by their indices, counted through all parts; the row after the last one is zero. The parts need to be joined only
    // if the rows are not all in a single one.
    private Value Gathered(long[] rows)
    {
        long first = rows.Min(), last = rows.Max(), start = 0;
        foreach (var part in Parts)
        {
            long end = start + part.Shape[0];
            if (first >= start && last < end)
            {
                return rows.Length == part.Shape[0] && rows.Select((row, i) => row == start + i).All(same => same)
                    ? part
                    : Gather(part, 0, [.. rows.Select(row => row - start)]);
            }

            start = end;
        }

        var values = last == Map.Rows ? WithZeroRow([.. Parts]) : Values;
        return rows.Length == Map.Rows && rows.Select((row, i) => row == i).All(same => same) ? values : Gather(values, 0, rows);
    }
}
