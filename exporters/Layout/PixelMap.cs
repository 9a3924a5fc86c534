using System.Collections.Immutable;

namespace OnnxVae.Exporters.Layout;

/// <summary>
/// Which row of a matrix holds which pixel of an image. Rows may stand in any order, and several pixels may share one, as
/// after nearest upsampling; every row holds a pixel.
/// </summary>
internal sealed class PixelMap : IEquatable<PixelMap>
{
    private readonly ImmutableArray<int> rowOfPixel;

    private PixelMap(long height, long width, ImmutableArray<int> rowOfPixel)
    {
        (Height, Width, this.rowOfPixel) = (height, width, rowOfPixel);
        Rows = rowOfPixel.Max() + 1;
    }

    /// <summary>Rows of the image.</summary>
    public long Height { get; }

    /// <summary>Columns of the image.</summary>
    public long Width { get; }

    /// <summary>Rows of the matrix.</summary>
    public int Rows { get; }

    /// <summary>Pixels of the image.</summary>
    public int Pixels => rowOfPixel.Length;

    /// <summary>Whether every pixel has a row of its own.</summary>
    public bool IsOneToOne => Rows == Pixels;

    /// <summary>The row of a pixel, counted in row-major order.</summary>
    public int this[long pixel] => rowOfPixel[(int)pixel];

    /// <summary>The row of a pixel; the number of rows if it is outside the image.</summary>
    public int RowAt(long y, long x) => Contains(y, x) ? this[(y * Width) + x] : Rows;

    /// <summary>Whether a pixel lies in the image.</summary>
    public bool Contains(long y, long x) => y >= 0 && y < Height && x >= 0 && x < Width;

    /// <summary>Pixels in row-major order.</summary>
    public static PixelMap RowMajor(long height, long width) => new(height, width, [.. Enumerable.Range(0, (int)(height * width))]);

    /// <summary>The map of rows that are given by their pixels.</summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="pixels">A pixel per row, every one once; those outside the image have no row.</param>
    public static PixelMap FromRows(long height, long width, IEnumerable<(long Y, long X)> pixels)
    {
        var rows = new int[height * width];
        int row = 0;
        foreach (var (y, x) in pixels)
        {
            if (y >= 0 && y < height && x >= 0 && x < width)
            {
                rows[(y * width) + x] = row++;
            }
        }

        return new PixelMap(height, width, [.. rows]);
    }

    /// <summary>Every pixel becomes a block of pixels, which share its row.</summary>
    public PixelMap Repeat(long vertically, long horizontally)
    {
        long width = Width * horizontally;
        return new PixelMap(Height * vertically, width, [.. Enumerable.Range(0, (int)(Pixels * vertically * horizontally)).Select(pixel =>
            RowAt(pixel / width / vertically, pixel % width / horizontally))]);
    }

    /// <summary>How many pixels share each row.</summary>
    public float[] PixelsPerRow()
    {
        var counts = new float[Rows];
        foreach (int row in rowOfPixel)
        {
            counts[row]++;
        }

        return counts;
    }

    /// <summary>For each row a pixel in it, counted in row-major order.</summary>
    public long[] PixelOfRow()
    {
        var pixels = new long[Rows];
        for (int pixel = 0; pixel < Pixels; pixel++)
        {
            pixels[this[pixel]] = pixel;
        }

        return pixels;
    }

    /// <summary>For each row of another map of the same image, a row of this one that holds the same pixel.</summary>
    public long[] RowsFor(PixelMap other) => [.. other.PixelOfRow().Select(pixel => (long)this[pixel])];

    /// <inheritdoc/>
    public bool Equals(PixelMap? other) =>
        ReferenceEquals(this, other) || (other is not null && Height == other.Height && Width == other.Width && rowOfPixel.SequenceEqual(other.rowOfPixel));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PixelMap);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Height, Width, rowOfPixel[^1]);
}
