using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace OnnxVae.Models.Exact;

/// <summary>A mixture of Gaussians with full covariances, P(z) = sum of w_k N(z; mean_k, A_k A_k^T).</summary>
/// <param name="Weights">w_k, which sum to 1.</param>
/// <param name="Means">mean_k, of D numbers each.</param>
/// <param name="Factors">A_k, lower triangular, D x D.</param>
public sealed record GaussianMixture(IReadOnlyList<double> Weights, IReadOnlyList<Vector<double>> Means, IReadOnlyList<Matrix<double>> Factors)
{
    /// <summary>D.</summary>
    public int Dimensions => Means[0].Count;

    /// <summary>ln P(z).</summary>
    /// <param name="z">D numbers.</param>
    public double LogDensity(ReadOnlySpan<double> z)
    {
        var joint = new double[Weights.Count];
        new Evaluator(this).LogJoint(z, joint);
        return LogSumExp(joint);
    }

    /// <summary>The mean of ln P(z) over some points.</summary>
    /// <param name="points">N points of D numbers.</param>
    /// <returns>Nats per point.</returns>
    public double MeanLogDensity(IReadOnlyList<double[]> points) => Expect(points).LogLikelihood;

    /// <summary>Fits a mixture by expectation maximization.</summary>
    /// <remarks>
    /// Dempster, Laird and Rubin 1977; Bishop 2006, section 9.2.2: the expectation step computes the exact posterior P(k|z), the
    /// maximization step the best mixture under it, so that the likelihood never falls, except for the floor of
    /// the variances. Means start at points far apart (k-means++, Arthur and Vassilvitskii 2007).
    /// </remarks>
    /// <param name="points">N points of D numbers.</param>
    /// <param name="components">K.</param>
    /// <param name="options">When to stop, and the floor of the variances.</param>
    /// <param name="progress">Called with the mean log-likelihood, nats per point, before each step.</param>
    /// <exception cref="ArgumentException">There are fewer points than components, or a point is not finite.</exception>
    public static GaussianMixture Fit(IReadOnlyList<double[]> points, int components, MixtureOptions? options = null, Action<double>? progress = null)
    {
        if (components < 1 || points.Count < components)
        {
            throw new ArgumentException($"A mixture of {components} components cannot be fitted to {points.Count} points: there must be at least one component, and as many points as components.", nameof(components));
        }

        if (points.Any(point => point.Any(x => !double.IsFinite(x))))
        {
            throw new ArgumentException("A mixture cannot be fitted: at least one point is not finite.", nameof(points));
        }

        options ??= new MixtureOptions();
        var mixture = Initial(points, components, options);
        double last = double.NegativeInfinity;
        for (int step = 0; step < options.MostSteps; step++)
        {
            var (responsibilities, logLikelihood) = mixture.Expect(points);
            progress?.Invoke(logLikelihood);
            if (logLikelihood - last < options.Tolerance)
            {
                break;
            }

            last = logLikelihood;
            mixture = mixture.Maximize(points, responsibilities, options.VarianceFloor);
        }

        return mixture;
    }

    // P(k|z_n), [N][K], and the mean of ln P(z_n).
    private (double[][] Responsibilities, double LogLikelihood) Expect(IReadOnlyList<double[]> points)
    {
        var evaluator = new Evaluator(this);
        var responsibilities = new double[points.Count][];
        var logDensities = new double[points.Count];
        Parallel.For(0, points.Count, n =>
        {
            var joint = new double[Weights.Count];
            evaluator.LogJoint(points[n], joint);
            logDensities[n] = LogSumExp(joint);
            TensorPrimitives.Subtract(joint, logDensities[n], joint);
            TensorPrimitives.Exp<double>(joint, joint);
            responsibilities[n] = joint;
        });
        return (responsibilities, logDensities.Average());
    }

    // A component that has lost all points stays in place, with zero weight.
    private GaussianMixture Maximize(IReadOnlyList<double[]> points, double[][] responsibilities, double varianceFloor)
    {
        int components = responsibilities[0].Length;
        var (weights, means, factors) = (new double[components], new Vector<double>[components], new Matrix<double>[components]);
        Parallel.For(0, components, k =>
        {
            double[] shares = [.. responsibilities.Select(row => row[k])];
            weights[k] = shares.Sum() / points.Count;
            (means[k], factors[k]) = (Means[k], Factors[k]);
            if (weights[k] > 0)
            {
                (means[k], var covariance) = Moments.Of(points, shares);
                factors[k] = Factor(covariance, varianceFloor);
            }
        });
        return new GaussianMixture(weights, means, factors);
    }

    // Equal weights, the covariance of all points, and means that are far from each other.
    private static GaussianMixture Initial(IReadOnlyList<double[]> points, int components, MixtureOptions options)
    {
        var random = new Random(unchecked((int)options.Seed));
        double[][] centres = new double[components][];
        double[] distances = [.. Enumerable.Repeat(double.PositiveInfinity, points.Count)];
        for (int k = 0; k < components; k++)
        {
            centres[k] = points[k == 0 ? random.Next(points.Count) : Draw(distances, random)];
            Parallel.For(0, points.Count, n => distances[n] = Math.Min(distances[n], Math.Pow(TensorPrimitives.Distance<double>(points[n], centres[k]), 2)));
        }

        var factor = Factor(Moments.Of(points).Covariance, options.VarianceFloor);
        return new GaussianMixture(
            [.. Enumerable.Repeat(1.0 / components, components)], [.. centres.Select(Vector<double>.Build.DenseOfArray)], [.. Enumerable.Repeat(factor, components)]);
    }

    private static int Draw(double[] weights, Random random)
    {
        double left = random.NextDouble() * weights.Sum();
        int index = Array.FindIndex(weights, weight => (left -= weight) < 0);
        return index < 0 ? random.Next(weights.Length) : index;
    }

    private static Matrix<double> Factor(Matrix<double> covariance, double varianceFloor) =>
        (covariance + (varianceFloor * Matrix<double>.Build.DenseIdentity(covariance.RowCount))).Cholesky().Factor;

    private static double LogSumExp(ReadOnlySpan<double> values)
    {
        double largest = TensorPrimitives.Max(values), sum = 0;
        foreach (double value in values)
        {
            sum += Math.Exp(value - largest);
        }

        return largest + Math.Log(sum);
    }

    // ln w_k N(z; mean_k, A_k A_k^T), by |A_k^-1 (z - mean_k)|^2.
    private sealed class Evaluator(GaussianMixture mixture)
    {
        private readonly double[][] means = [.. mixture.Means.Select(mean => mean.ToArray())];
        private readonly double[][] inverses = [.. mixture.Factors.Select(factor => factor.Inverse().ToRowMajorArray())];
        private readonly double[] constants = [.. mixture.Weights.Zip(mixture.Factors, (weight, factor) =>
            Math.Log(weight) - factor.Diagonal().Sum(Math.Log) - (0.5 * factor.RowCount * Math.Log(2 * Math.PI)))];

        public void LogJoint(ReadOnlySpan<double> z, Span<double> joint)
        {
            int size = z.Length;
            var difference = new double[size];
            for (int k = 0; k < joint.Length; k++)
            {
                TensorPrimitives.Subtract(z, means[k], difference);
                double squared = 0;
                for (int row = 0; row < size; row++)
                {
                    double x = TensorPrimitives.Dot(inverses[k].AsSpan(row * size, row + 1), difference.AsSpan(0, row + 1));
                    squared += x * x;
                }

                joint[k] = constants[k] - (0.5 * squared);
            }
        }
    }
}

/// <summary>How a mixture is fitted.</summary>
public sealed record MixtureOptions
{
    /// <summary>Maximum number of steps.</summary>
    public int MostSteps { get; init; } = 200;

    /// <summary>The gain in log-likelihood, nats per point, below which fitting stops.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Added to every variance, so that no component shrinks to a point.</summary>
    public double VarianceFloor { get; init; } = 1e-6;

    /// <summary>Random seed of the initial means.</summary>
    public ulong Seed { get; init; } = 1;
}
