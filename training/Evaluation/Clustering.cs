namespace OnnxVae.Training.Evaluation;

/// <summary>How well clusters agree with classes, whatever both are called.</summary>
public sealed class Clustering
{
    private readonly long[,] counts;

    /// <summary>Takes counts.</summary>
    /// <param name="counts">How many points are in each cluster and class, [K, T].</param>
    public Clustering(long[,] counts) => this.counts = counts;

    private int Clusters => counts.GetLength(0);

    private int Classes => counts.GetLength(1);

    /// <summary>The adjusted Rand index: 1 for equal partitions, 0 in the mean over random ones with the same sizes.</summary>
    /// <remarks>Hubert and Arabie 1985, Comparing partitions, equation 5.</remarks>
    public double AdjustedRandIndex
    {
        get
        {
            double[] rows = [.. Enumerable.Range(0, Clusters).Select(InCluster)], columns = [.. Enumerable.Range(0, Classes).Select(InClass)];
            double pairs = 0, inRows = rows.Sum(Pairs), inColumns = columns.Sum(Pairs), all = Pairs(rows.Sum());
            foreach (long count in counts)
            {
                pairs += Pairs(count);
            }

            double expected = all > 0 ? inRows * inColumns / all : 0, largest = (inRows + inColumns) / 2;
            return largest == expected ? 1 : (pairs - expected) / (largest - expected);
        }
    }

    /// <summary>The mean over classes of the largest intersection over union with a cluster, from 0 to 1; classes without points are left out.</summary>
    public double MeanIntersectionOverUnion => Enumerable.Range(0, Classes).Where(t => InClass(t) > 0).Average(t =>
        Enumerable.Range(0, Clusters).Max(k => counts[k, t] / (InCluster(k) + InClass(t) - counts[k, t])));

    private static double Pairs(double count) => count * (count - 1) / 2;

    private double InCluster(int k) => Enumerable.Range(0, Classes).Sum(t => (double)counts[k, t]);

    private double InClass(int t) => Enumerable.Range(0, Clusters).Sum(k => (double)counts[k, t]);
}
