using System.Collections.Immutable;

namespace OnnxVae.Exporters.Layout;

/// <summary>How the pixels of an image are arranged in rows.</summary>
/// <param name="Map">Which row holds which pixel.</param>
/// <param name="ChunkSizes">The number of rows in each part.</param>
internal sealed record PixelOrder(PixelMap Map, ImmutableArray<long> ChunkSizes)
{
    /// <summary>All rows in one part.</summary>
    public PixelOrder(PixelMap map)
        : this(map, [map.Rows])
    {
    }

    /// <summary>Row-major order of an image with the given rows and columns.</summary>
    public static PixelOrder RowMajor(IReadOnlyList<long> size) => new(PixelMap.RowMajor(size[0], size[1]));

    /// <summary>The order of pixels that are given part by part, without those outside the image.</summary>
    public static PixelOrder Of(IEnumerable<IEnumerable<(long Y, long X)>> parts, long height, long width)
    {
        (long Y, long X)[][] pixels = [.. parts.Select(part => part.ToArray())];
        var map = PixelMap.FromRows(height, width, pixels.SelectMany(part => part));
        return new PixelOrder(map, [.. pixels.Select(part => (long)part.Count(pixel => map.Contains(pixel.Y, pixel.X)))]);
    }

    /// <inheritdoc/>
    public bool Equals(PixelOrder? other) => other is not null && Map.Equals(other.Map) && ChunkSizes.SequenceEqual(other.ChunkSizes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Map, ChunkSizes.Length);
}
