using OnnxVae.Exporters.Onnx;
using static OnnxVae.Exporters.Onnx.Ops;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>
/// Images as a matrix whose rows are pixels: a row holds one pixel of all images and channels. Whatever moves pixels - tiles,
/// padding, upsampling - is then a Gather of whole rows with constant indices, channels are the last axis of matrix products,
/// and what is done to each number alone does not ask for the order of the rows.
/// </summary>
/// <param name="Values">Float32 or Bool [rows, A, B, ...] for images [A, B, ..., H, W], usually [rows, N, C].</param>
/// <param name="Map">Which row holds which pixel.</param>
internal sealed record PixelRows(Value Values, PixelMap Map)
{
    /// <summary>The shape of the images, [A, B, ..., H, W].</summary>
    public Shape Shape => [.. Values.Shape.Skip(1), Map.Height, Map.Width];

    /// <summary>Whether the images are single pixels: numbers per image and channel.</summary>
    public bool IsSinglePixel => Map.Pixels == 1;

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

    /// <summary>The same images with their pixels in other rows.</summary>
    public PixelRows In(PixelMap map) => map.Equals(Map) ? this : new PixelRows(Gather(Values, 0, Map.RowsFor(map)), map);

    /// <summary>The same images with a row of its own for every pixel.</summary>
    public PixelRows OneToOne() => Map.IsOneToOne ? this : In(PixelMap.RowMajor(Map.Height, Map.Width));

    /// <summary>Rows of pixels as a matrix product leaves them.</summary>
    /// <param name="values">[positions, A, B, ...].</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="positions">The pixel of each row; those outside the image are dropped, the others are all pixels once.</param>
    public static PixelRows At(Value values, long height, long width, IReadOnlyList<(long Y, long X)> positions)
    {
        bool IsInside((long Y, long X) pixel) => pixel.Y >= 0 && pixel.Y < height && pixel.X >= 0 && pixel.X < width;
        long[] inside = [.. Enumerable.Range(0, positions.Count).Where(i => IsInside(positions[i])).Select(i => (long)i)];
        var map = PixelMap.FromRows(height, width, [.. inside.Select(i => (positions[(int)i].Y * width) + positions[(int)i].X)]);
        return new PixelRows(inside.Length == positions.Count ? values : Gather(values, 0, inside), map);
    }

    /// <summary>The rows of pixels; zeros where they are outside the image.</summary>
    public Value At(IReadOnlyList<(long Y, long X)> positions)
    {
        long[] rows = [.. positions.Select(pixel => (long)Map.RowAt(pixel.Y, pixel.X))];
        return rows.Length == Map.Rows && rows.Select((row, i) => row == i).All(same => same) ? Values
            : Gather(rows.Contains(Map.Rows) ? Concat(0, Values, ConstantOfShape(Values.Shape.With(0, 1), 0f)) : Values, 0, rows);
    }
}
