namespace OnnxVae.Exporters.Graph;

/// <summary>Arithmetic on lists of sizes.</summary>
internal static class Sizes
{
    /// <summary>How many entries the sizes make together; 1 for none.</summary>
    public static long Product(this IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
