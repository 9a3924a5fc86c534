using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Models.Exact;
using OnnxVae.Training.Data;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>Rate and distortion of the best linear models, as a reference for likelihoods with Gaussian pixels.</summary>
internal static class LinearCurve
{
    private const int MostDimensions = 1600; // beyond, the eigenvalues take minutes
    private const int Points = 60;
    private const double FewestNats = 0.01;

    /// <summary>The curve from next to no rate to more than any model will spend; empty where the likelihood is no Gaussian, or images are large.</summary>
    /// <param name="images">The data.</param>
    /// <param name="model">The likelihood and the number of latents.</param>
    public static IReadOnlyList<RateDistortionPoint> Of(ImageSource images, ModelOptions model)
    {
        int dimensions = images.ImageSize, latents = Math.Min(model.Latent, dimensions - 1);
        double? variance = model.Likelihood switch
        {
            "gaussian" => model.Sigma * model.Sigma,
            "squared-error" => 1 / (2 * model.Lambda),
            _ => null,
        };
        if (dimensions > MostDimensions || (variance is null && model.Likelihood is not ("gaussian-learned" or "gaussian-optimal")))
        {
            return [];
        }

        double[] eigenvalues = [.. Moments.Of(Pixels(images)).Covariance.Evd(Symmetricity.Symmetric).EigenValues.Select(value => Math.Max(0, value.Real)).OrderDescending()];
        double highest = eigenvalues[0] * Math.Exp(-FewestNats), lowest = eigenvalues[latents];
        double[] levels = [.. Enumerable.Range(0, Points).Select(i => highest * Math.Pow(lowest / highest, (double)i / (Points - 1)))];
        return [.. levels.Select(level => variance is { } fixedVariance
            ? ProbabilisticPca.Linear(eigenvalues, latents, fixedVariance, level / fixedVariance)
            : WithOptimalVariance(ProbabilisticPca.Linear(eigenvalues, latents, level, beta: 1), dimensions))];
    }

    // At sigma*^2 = |y - y(z)|^2 / d the distortion is d/2 ln(2 pi e sigma*^2).
    private static RateDistortionPoint WithOptimalVariance(RateDistortionPoint point, int dimensions) =>
        point with { Distortion = 0.5 * dimensions * Math.Log(2 * Math.PI * Math.E * point.SquaredError / dimensions) };

    private static IEnumerable<double[]> Pixels(ImageSource images)
    {
        for (long i = 0; i < images.Count; i++)
        {
            yield return [.. ReconstructionGrid.ReadImages(images, i, 1).Select(x => (double)x)];
        }
    }
}
