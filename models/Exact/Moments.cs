using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace OnnxVae.Models.Exact;

/// <summary>Means and covariances of points, divided by their number.</summary>
public static class Moments
{
    private const int BlockSize = 256;

    /// <summary>Mean and covariance.</summary>
    /// <param name="points">Points of D numbers, at least one; read twice.</param>
    /// <param name="shares">The weight of each point; null for equal weights.</param>
    /// <returns>D numbers, and D x D.</returns>
    /// <exception cref="ArgumentException">There are no points.</exception>
    public static (Vector<double> Mean, Matrix<double> Covariance) Of(IEnumerable<double[]> points, double[]? shares = null)
    {
        double[]? mean = null;
        double total = 0;
        foreach (var (point, share) in Shared(points, shares))
        {
            mean ??= new double[point.Length];
            total += share;
            TensorPrimitives.MultiplyAdd(point, share, mean, mean);
        }

        if (mean is null)
        {
            throw new ArgumentException("There are no points to compute a covariance of.");
        }

        TensorPrimitives.Divide(mean, total, mean);
        int size = mean.Length;
        var sums = new double[size * size];
        foreach (double[][] block in Centred(points, shares, mean).Chunk(BlockSize))
        {
            Parallel.For(0, size, row => AddRow(block, row, sums.AsSpan(row * size, size)));
        }

        TensorPrimitives.Divide(sums, total, sums);
        return (Vector<double>.Build.DenseOfArray(mean), Matrix<double>.Build.Dense(size, size, sums));
    }

    // Adds a row of the products of all pairs of coordinates.
    private static void AddRow(double[][] centred, int row, Span<double> sums)
    {
        foreach (double[] point in centred)
        {
            if (point[row] != 0)
            {
                TensorPrimitives.MultiplyAdd(point, point[row], sums, sums);
            }
        }
    }

    // Differences from the mean times the square root of their share, so that products are weighted by it.
    private static IEnumerable<double[]> Centred(IEnumerable<double[]> points, double[]? shares, double[] mean)
    {
        foreach (var (point, share) in Shared(points, shares))
        {
            var centred = new double[mean.Length];
            TensorPrimitives.Subtract(point, mean, centred);
            TensorPrimitives.Multiply(centred, Math.Sqrt(share), centred);
            yield return centred;
        }
    }

    private static IEnumerable<(double[] Point, double Share)> Shared(IEnumerable<double[]> points, double[]? shares) =>
        shares is null ? points.Select(point => (point, 1.0)) : points.Zip(shares);
}
