using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Models;

/// <summary>The kind of an example's latents: numbers, or codes on grids.</summary>
public sealed record Latents
{
    private Latents(int size, IReadOnlyList<CodeGridShape> grids) => (Size, Grids) = (size, grids);

    /// <summary>L, the number of values that an encoder outputs and a decoder takes per example.</summary>
    public int Size { get; }

    /// <summary>The grids of codes, one after the other, the top level's first; empty for latents that are numbers.</summary>
    public IReadOnlyList<CodeGridShape> Grids { get; }

    /// <summary>A vector of numbers.</summary>
    /// <param name="size">L.</param>
    public static Latents Vector(int size) => new(size, []);

    /// <summary>Codes on grids.</summary>
    /// <param name="grids">The grids, the top level's first.</param>
    public static Latents Codes(params IReadOnlyList<CodeGridShape> grids) => new(grids.Sum(grid => grid.Positions), grids);

    /// <summary>Their metadata in the model's files.</summary>
    internal IEnumerable<(string Key, string Value)> Metadata =>
    [
        (MetadataKeys.LatentSize, Size.ToString(CultureInfo.InvariantCulture)),
        .. Grids.Count > 0 ? [CodesMetadata(Grids)] : Array.Empty<(string, string)>(),
    ];

    /// <summary>The metadata of grids of codes.</summary>
    internal static (string Key, string Value) CodesMetadata(IEnumerable<CodeGridShape> grids) =>
        (MetadataKeys.Codes, string.Join(',', grids.Select(grid => string.Create(CultureInfo.InvariantCulture, $"{grid.Codes}:{grid.Height}x{grid.Width}"))));
}

/// <summary>A grid of codes.</summary>
/// <param name="Codes">K.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public sealed record CodeGridShape(int Codes, int Height, int Width)
{
    /// <summary>Codes in the grid.</summary>
    public int Positions => Height * Width;
}
