namespace OnnxVae.Exporters.Graph;

/// <summary>Arithmetic on lists of sizes.</summary>
internal static class Sizes
{
    /// <summary>The product of the sizes, the number of entries; 1 for none.</summary>
    public static long Product(this IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
