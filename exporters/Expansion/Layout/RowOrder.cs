using System.Collections.Immutable;

namespace OnnxVae.Exporters.Expansion.Layout;

/// <summary>How the pixels of an image stand in rows.</summary>
/// <param name="Map">Which row holds which pixel.</param>
/// <param name="Cuts">Into how many rows each the parts are cut.</param>
internal sealed record RowOrder(PixelMap Map, ImmutableArray<long> Cuts)
{
    /// <summary>All rows in one part.</summary>
    public RowOrder(PixelMap map)
        : this(map, [map.Rows])
    {
    }

    /// <summary>Row after row of an image with so many rows and columns.</summary>
    public static RowOrder RowMajor(IReadOnlyList<long> size) => new(PixelMap.RowMajor(size[0], size[1]));

    /// <summary>The order of pixels that are given part by part, without those outside the image.</summary>
    public static RowOrder Of(IEnumerable<IEnumerable<(long Y, long X)>> parts, long height, long width)
    {
        (long Y, long X)[][] pixels = [.. parts.Select(part => part.ToArray())];
        var map = PixelMap.FromRows(height, width, pixels.SelectMany(part => part));
        return new RowOrder(map, [.. pixels.Select(part => (long)part.Count(pixel => map.Contains(pixel.Y, pixel.X)))]);
    }

    /// <inheritdoc/>
    public bool Equals(RowOrder? other) => other is not null && Map.Equals(other.Map) && Cuts.SequenceEqual(other.Cuts);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Map, Cuts.Length);
}
