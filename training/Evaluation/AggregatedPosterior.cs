using System.Numerics.Tensors;
using OnnxVae.Inference;

namespace OnnxVae.Training.Evaluation;

/// <summary>Estimates of I(y; z), nats per image.</summary>
/// <param name="PlugIn">
/// E ln Q(z|y) / Q(z) with Q(z) the mean of all N posteriors: the information about which of the N images it was. Underestimates the information
/// about images in general, and is at most ln N. Hoffman and Johnson 2016; as a bound, van den Oord et al. 2018, arXiv 1807.03748.
/// </param>
/// <param name="Upper">The same with the other N - 1 posteriors: an upper bound in expectation. Poole et al. 2019, arXiv 1905.06922, equation 12.</param>
internal readonly record struct InformationEstimates(double PlugIn, double Upper);

/// <summary>Estimates the information in the latents of a data set, from the Gaussian posteriors Q(z|y) of its images.</summary>
internal static class AggregatedPosterior
{
    private const uint Stream = 0x4D49;
    private const int LargestFit = 4000;

    /// <summary>Estimates I(y; z) with one sample per posterior.</summary>
    /// <param name="mean">Float32 [N, L].</param>
    /// <param name="logVar">Float32 [N, L].</param>
    /// <param name="count">N, at least 2.</param>
    /// <param name="seed">Random seed.</param>
    public static InformationEstimates MutualInformation(float[] mean, float[] logVar, int count, ulong seed)
    {
        int latents = mean.Length / count;
        float[][] means = Columns(mean, count, latents, value => value);
        float[][] precisions = Columns(logVar, count, latents, value => MathF.Exp(-value));
        float[] normalizers = [.. Enumerable.Range(0, count).Select(i => TensorPrimitives.Sum(logVar.AsSpan(i * latents, latents)))];
        double[] plugIn = new double[count], upper = new double[count];
        Parallel.For(0, count, i =>
        {
            var eps = new float[latents];
            Philox.FillStandardNormal(eps, seed, Stream, (ulong)i);
            float[] density = [.. normalizers], difference = new float[count];
            for (int l = 0; l < latents; l++)
            {
                float z = mean[(i * latents) + l] + (MathF.Exp(0.5f * logVar[(i * latents) + l]) * eps[l]);
                TensorPrimitives.Subtract(means[l], z, difference);
                TensorPrimitives.Multiply(difference, difference, difference);
                TensorPrimitives.MultiplyAdd(difference, precisions[l], density, density);
            }

            // density[j] = -2 ln Q(z|y_j) up to a constant that cancels.
            TensorPrimitives.Multiply(density, -0.5f, density);
            double own = density[i];
            density[i] = float.NegativeInfinity;
            double others = LogSumExp(density), all = Math.Max(own, others) + Math.Log(1 + Math.Exp(-Math.Abs(own - others)));
            (plugIn[i], upper[i]) = (own - (all - Math.Log(count)), own - (others - Math.Log(count - 1)));
        });
        return new InformationEstimates(plugIn.Average(), upper.Average());
    }

    /// <summary>
    /// A lower estimate of KL(Q(z) || P(z)), Q(z) the aggregated posterior: E ln m(z) - E ln P(z) with a density m fitted to samples from one
    /// half of the images and the expectations taken over those from the other half, since E ln m(z) is at most E ln Q(z). If the rate (the KL term) is
    /// KL(Q(z|y) || P(z)), -E ln P(z) is the rate plus the entropy of Q(z|y), 1/2 sum (1 + ln 2 pi + logVar).
    /// </summary>
    /// <param name="mean">Float32 [N, L].</param>
    /// <param name="logVar">Float32 [N, L].</param>
    /// <param name="rates">The rate of each image, [N].</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="fit">As in <see cref="EvaluatorOptions.FitDensity"/>.</param>
    /// <returns>Nats per image; null if there are too few images to fit a density.</returns>
    public static double? FittedMarginalKl(float[] mean, float[] logVar, double[] rates, ulong seed, Func<double[][], double[][], double> fit)
    {
        int count = Math.Min(rates.Length, LargestFit), latents = mean.Length / rates.Length, half = count / 2;
        if (half <= latents)
        {
            return null;
        }

        var eps = new float[latents];
        var draws = new double[count][];
        for (int i = 0; i < count; i++)
        {
            Philox.FillStandardNormal(eps, seed, Stream, (ulong)i);
            draws[i] = [.. Enumerable.Range(i * latents, latents).Select(l => mean[l] + (Math.Exp(0.5 * logVar[l]) * eps[l - (i * latents)]))];
        }

        double crossEntropy = Enumerable.Range(half, count - half).Average(i =>
            rates[i] + (0.5 * Enumerable.Range(i * latents, latents).Sum(l => 1 + Math.Log(2 * Math.PI) + logVar[l])));
        return fit(draws[..half], draws[half..]) + crossEntropy;
    }

    private static double LogSumExp(float[] values)
    {
        float max = TensorPrimitives.Max(values);
        TensorPrimitives.Subtract(values, max, values);
        TensorPrimitives.Exp(values, values);
        return max + Math.Log(TensorPrimitives.Sum(values));
    }

    private static float[][] Columns(float[] matrix, int rows, int columns, Func<float, float> map) =>
        [.. Enumerable.Range(0, columns).Select(l => Enumerable.Range(0, rows).Select(i => map(matrix[(i * columns) + l])).ToArray())];
}
