using MathNet.Numerics.LinearAlgebra;

namespace OnnxVae.Models.Exact;

/// <summary>
/// Probabilistic principal component analysis: y = W z + mu + sigma e with z ~ N(0, I), e ~ N(0, I). The VAE with linear networks, whose
/// best posterior, rate (KL term) and distortion (reconstruction loss) are known exactly.
/// </summary>
/// <remarks>Tipping and Bishop 1999, Probabilistic principal component analysis. q latents, d values per image; all results in nats per image.</remarks>
/// <param name="Mean">mu, d.</param>
/// <param name="Weights">W, d x q.</param>
/// <param name="Variance">sigma^2.</param>
public sealed record ProbabilisticPca(Vector<double> Mean, Matrix<double> Weights, double Variance)
{
    /// <summary>q.</summary>
    public int Latents => Weights.ColumnCount;

    /// <summary>The posterior's inverse covariance times sigma^2: M = W^T W + sigma^2 I.</summary>
    private Matrix<double> Precision => Weights.TransposeThisAndMultiply(Weights) + (Variance * Matrix<double>.Build.DenseIdentity(Latents));

    /// <summary>The maximum of the likelihood, by eigenvectors: W = U (Lambda - sigma^2 I)^(1/2), sigma^2 the mean of the discarded eigenvalues.</summary>
    /// <param name="mean">The data's mean, d.</param>
    /// <param name="covariance">Their covariance, d x d, divided by the number of images.</param>
    /// <param name="latents">q, below d.</param>
    /// <param name="variance">sigma^2, if it is fixed: then latents are used only for eigenvalues above it.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are as many latents as values, or none.</exception>
    public static ProbabilisticPca Fit(Vector<double> mean, Matrix<double> covariance, int latents, double? variance = null)
    {
        RequireLatents(latents, mean.Count);
        var spectrum = covariance.Evd(Symmetricity.Symmetric); // eigenvalues in ascending order
        double[] eigenvalues = [.. spectrum.EigenValues.Select(value => value.Real)];
        double noise = variance ?? eigenvalues[..^latents].Average();
        var weights = Matrix<double>.Build.Dense(mean.Count, latents);
        for (int i = 0; i < latents; i++)
        {
            int index = mean.Count - 1 - i;
            weights.SetColumn(i, spectrum.EigenVectors.Column(index) * Math.Sqrt(Math.Max(0, eigenvalues[index] - noise)));
        }

        return new ProbabilisticPca(mean, weights, noise);
    }

    /// <summary>The same maximum by expectation maximization: the exact posterior, then the best model under it, repeatedly.</summary>
    /// <remarks>Tipping and Bishop 1999, equations 29 to 31, which need only the data's covariance.</remarks>
    /// <param name="mean">The data's mean, d.</param>
    /// <param name="covariance">Their covariance, d x d.</param>
    /// <param name="latents">q, below d.</param>
    /// <param name="steps">Steps.</param>
    /// <param name="seed">Random seed of the initial W.</param>
    /// <param name="progress">Called with every intermediate model.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are as many latents as values, or none.</exception>
    public static ProbabilisticPca FitByExpectationMaximization(
        Vector<double> mean, Matrix<double> covariance, int latents, int steps, int seed = 1, Action<ProbabilisticPca>? progress = null)
    {
        RequireLatents(latents, mean.Count);
        double scale = covariance.Trace() / mean.Count;
        var random = new Random(seed);
        var model = new ProbabilisticPca(mean, Matrix<double>.Build.Dense(mean.Count, latents, (_, _) => Math.Sqrt(scale) * (random.NextDouble() - 0.5)), scale);
        for (int step = 0; step < steps; step++)
        {
            var projected = covariance * model.Weights; // S W
            var inverse = model.Precision.Inverse(); // M^-1
            var inner = inverse * model.Weights.TransposeThisAndMultiply(projected);
            var weights = projected * ((model.Variance * Matrix<double>.Build.DenseIdentity(latents)) + inner).Inverse();
            double variance = (covariance.Trace() - (projected * inverse).PointwiseMultiply(weights).RowSums().Sum()) / mean.Count;
            model = new ProbabilisticPca(mean, weights, variance);
            progress?.Invoke(model);
        }

        return model;
    }

    /// <summary>E [-ln P(y)] over data: 1/2 (d ln 2 pi + ln |C| + tr C^-1 S) with C = W W^T + sigma^2 I.</summary>
    /// <param name="mean">The data's mean.</param>
    /// <param name="covariance">S, their covariance.</param>
    public double NegativeLogLikelihood(Vector<double> mean, Matrix<double> covariance)
    {
        var (d, q, m) = (Mean.Count, Latents, Precision);
        var offset = mean - Mean;
        double quadratic = Quadratic(offset) + ((covariance.Trace() - (Weights * m.Inverse()).PointwiseMultiply(covariance * Weights).RowSums().Sum()) / Variance);
        double logDeterminant = ((d - q) * Math.Log(Variance)) + m.Cholesky().DeterminantLn;
        return 0.5 * ((d * Math.Log(2 * Math.PI)) + logDeterminant + quadratic);

        // x^T C^-1 x = (x^T x - x^T W M^-1 W^T x) / sigma^2, by the Woodbury identity.
        double Quadratic(Vector<double> x)
        {
            var projection = Weights.TransposeThisAndMultiply(x);
            return (x.DotProduct(x) - projection.DotProduct(m.Solve(projection))) / Variance;
        }
    }

    /// <summary>The exact posterior P(z|y) = N(M^-1 W^T (y - mu), sigma^2 M^-1).</summary>
    /// <param name="y">An image, d.</param>
    public (Vector<double> Mean, Matrix<double> Covariance) Posterior(Vector<double> y)
    {
        var inverse = Precision.Inverse();
        return (inverse * Weights.TransposeThisAndMultiply(y - Mean), Variance * inverse);
    }

    /// <summary>Rate, distortion and squared error when the posterior is exact, as means over data with this covariance and the model's mean.</summary>
    /// <param name="covariance">S.</param>
    public RateDistortionPoint ExactPosterior(Matrix<double> covariance)
    {
        var (d, q, inverse) = (Mean.Count, Latents, Precision.Inverse());
        var encoder = inverse * Weights.Transpose(); // posterior means are encoder (y - mu)
        var posteriorCovariance = Variance * inverse;
        double rate = 0.5 * ((encoder * covariance).PointwiseMultiply(encoder).RowSums().Sum() + posteriorCovariance.Trace() - q - posteriorCovariance.Cholesky().DeterminantLn);

        var residual = Matrix<double>.Build.DenseIdentity(d) - (Weights * encoder);
        double squaredError = (residual * covariance).PointwiseMultiply(residual).RowSums().Sum()
            + (Weights * posteriorCovariance).PointwiseMultiply(Weights).RowSums().Sum();
        return new RateDistortionPoint(rate, (0.5 * d * Math.Log(2 * Math.PI * Variance)) + (squaredError / (2 * Variance)), squaredError);
    }

    /// <summary>
    /// Rate and distortion of the linear beta-VAE with fixed sigma, where beta sigma^2 takes the place of sigma^2: latent i is used if lambda_i is
    /// above it, R = 1/2 sum of ln lambda_i / (beta sigma^2), and the squared error is the sum of min(lambda_i, beta sigma^2).
    /// </summary>
    /// <remarks>Reverse water-filling: Cover and Thomas 2006, theorem 10.3.3.</remarks>
    /// <param name="eigenvalues">Eigenvalues of the data's covariance.</param>
    /// <param name="latents">q.</param>
    /// <param name="variance">sigma^2.</param>
    /// <param name="beta">The weight of the rate.</param>
    public static RateDistortionPoint Linear(IReadOnlyList<double> eigenvalues, int latents, double variance, double beta)
    {
        double level = beta * variance;
        double[] descending = [.. eigenvalues.OrderDescending()];
        double[] used = [.. descending.Take(latents).Where(value => value > level)];
        double squaredError = (used.Length * level) + descending.Skip(used.Length).Sum();
        return new RateDistortionPoint(
            0.5 * used.Sum(value => Math.Log(value / level)),
            (0.5 * eigenvalues.Count * Math.Log(2 * Math.PI * variance)) + (squaredError / (2 * variance)), squaredError);
    }

    private static void RequireLatents(int latents, int dimensions)
    {
        if (latents < 1 || latents >= dimensions)
        {
            throw new ArgumentOutOfRangeException(nameof(latents), $"The number of latents is {latents}; for images of {dimensions} values it must be from 1 to {dimensions - 1}.");
        }
    }
}

/// <summary>A point in the rate-distortion plane, nats per image.</summary>
/// <param name="Rate">E KL(Q(z|y) || P(z)).</param>
/// <param name="Distortion">E [-ln P(y|z)].</param>
/// <param name="SquaredError">E |y - y(z)|^2, summed over the values of an image.</param>
public readonly record struct RateDistortionPoint(double Rate, double Distortion, double SquaredError)
{
    /// <summary>Rate + distortion.</summary>
    public double NegativeElbo => Rate + Distortion;
}
