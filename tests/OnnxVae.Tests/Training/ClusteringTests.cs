using OnnxVae.Training.Evaluation;

namespace OnnxVae.Tests.Training;

/// <summary>Agreement between clusters and classes.</summary>
internal sealed class ClusteringTests
{
    // scikit-learn: adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 2]) = 0.5714..., ([0, 0, 1, 2], [0, 0, 1, 1]) likewise.
    [TestCase("2,0,0;0,1,1", 0.57142857142857, TestName = "Index_OfASplitClass")]
    [TestCase("3,0;0,4", 1.0, TestName = "Index_OfEqualPartitions")]
    [TestCase("0,3;4,0", 1.0, TestName = "Index_OfRenamedClusters")]
    [TestCase("1,1;1,1", -0.5, TestName = "Index_OfFourPointsApart")]
    public void AdjustedRandIndex_IsThatOfHubertAndArabie(string table, double expected) =>
        Assert.That(new Clustering(Parse(table)).AdjustedRandIndex, Is.EqualTo(expected).Within(1e-9));

    [Test]
    public void AdjustedRandIndex_OfRandomLabels_IsZero([Values(2, 5, 8)] int clusters)
    {
        var random = new Random(1);
        var counts = new long[clusters, 4];
        for (int i = 0; i < 200_000; i++)
        {
            counts[random.Next(clusters), random.Next(4)]++;
        }

        Assert.That(new Clustering(counts).AdjustedRandIndex, Is.EqualTo(0).Within(1e-3));
    }

    [Test]
    public void MeanIntersectionOverUnion_TakesTheBestClusterOfEachClass() =>
        Assert.That(new Clustering(Parse("8,0;2,5;0,5")).MeanIntersectionOverUnion, Is.EqualTo(((8.0 / 10) + (5.0 / 10)) / 2).Within(1e-12));

    private static long[,] Parse(string table)
    {
        long[][] rows = [.. table.Split(';').Select(row => row.Split(',').Select(long.Parse).ToArray())];
        var counts = new long[rows.Length, rows[0].Length];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i / rows[0].Length, i % rows[0].Length] = rows[i / rows[0].Length][i % rows[0].Length];
        }

        return counts;
    }
}
