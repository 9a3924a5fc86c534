using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Runs;
using OnnxVae.Models.Exact;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Sweep;

/// <summary>Rate (KL term) and distortion (reconstruction loss) of the best linear models, as a reference for likelihoods with Gaussian pixels.</summary>
internal static class LinearCurve
{
    private const int Points = 60;
    private const double FewestNats = 0.01;
    private const double LowestLevel = 1e-4; // of the last latent's eigenvalue: more rate than any model will spend
    private const ulong SampleSeed = 1;
    private const long MostImages = 20_000; // for computing the covariance
    private const double Rounding = 1e-9; // of the largest eigenvalue; smaller ones count as zero

    /// <summary>The curve from almost no rate to more than any model will spend; empty unless images are grayscale and small and pixels Gaussian.</summary>
    /// <param name="images">The data.</param>
    /// <param name="model">The likelihood and the number of latents.</param>
    /// <param name="isOverLambda">Whether the weight of the squared error varies along the curve, instead of that of the rate.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static IReadOnlyList<RateDistortionPoint> Of(ImageSource images, ModelOptions model, bool isOverLambda, CancellationToken cancellation)
    {
        Func<double[], int, double, RateDistortionPoint>? best = model.Likelihood switch
        {
            "gaussian" => (eigenvalues, latents, level) => WithFixedVariance(eigenvalues, latents, level, model.Sigma * model.Sigma),
            "squared-error" when isOverLambda => (eigenvalues, latents, level) => ProbabilisticPca.Linear(eigenvalues, latents, level, beta: 1),
            "squared-error" => (eigenvalues, latents, level) => WithFixedVariance(eigenvalues, latents, level, 1 / (2 * model.Lambda)),
            "gaussian-learned" or "gaussian-optimal" => WithOptimalVariance,
            _ => null,
        };
        if (best is null || images.IsReal || images.ImageSize > ImageMoments.MostDimensions || model.Pixels != "grey")
        {
            return [];
        }

        double[] spectrum = [.. ImageMoments.Of(images.Sample(MostImages, SampleSeed), cancellation).Covariance.Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real).OrderDescending()];
        double[] eigenvalues = [.. spectrum.Select(value => Math.Max(value, Rounding * spectrum[0]))];
        if (eigenvalues[0] <= 0)
        {
            return [];
        }

        int latents = Math.Min(model.Latent, images.ImageSize - 1);
        double highest = eigenvalues[0] * Math.Exp(-FewestNats), lowest = LowestLevel * eigenvalues[latents - 1];
        return [.. Enumerable.Range(0, Points).Select(i => best(eigenvalues, latents, highest * Math.Pow(lowest / highest, (double)i / (Points - 1))))];
    }

    private static RateDistortionPoint WithFixedVariance(double[] eigenvalues, int latents, double level, double variance) =>
        ProbabilisticPca.Linear(eigenvalues, latents, variance, beta: level / variance);

    // At sigma*^2 = |y - y(z)|^2 / d the distortion is d/2 ln(2 pi e sigma*^2).
    private static RateDistortionPoint WithOptimalVariance(double[] eigenvalues, int latents, double level)
    {
        var point = ProbabilisticPca.Linear(eigenvalues, latents, level, beta: 1);
        return point with { Distortion = 0.5 * eigenvalues.Length * Math.Log(2 * Math.PI * Math.E * point.SquaredError / eigenvalues.Length) };
    }
}
