using System.Numerics.Tensors;
using OnnxVae.Inference;

namespace OnnxVae.Training.Evaluation;

/// <summary>Information in the latents of a data set, from the Gaussian posteriors Q(z|y) of its images.</summary>
internal static class AggregatedPosterior
{
    private const uint Stream = 0x4D49;

    /// <summary>
    /// The plug-in estimate of I(y; z) = E ln Q(z|y) / Q(z), where Q(z) is the mean of all the posteriors and z one sample
    /// of each.
    /// </summary>
    /// <param name="mean">Float32 [N, L].</param>
    /// <param name="logVar">Float32 [N, L].</param>
    /// <param name="count">N; the estimate cannot exceed ln N.</param>
    /// <param name="seed">Chooses the samples.</param>
    /// <returns>Nats per image.</returns>
    public static double MutualInformation(float[] mean, float[] logVar, int count, ulong seed)
    {
        int latents = mean.Length / count;
        float[][] means = Columns(mean, count, latents, value => value);
        float[][] precisions = Columns(logVar, count, latents, value => MathF.Exp(-value));
        float[] normalizers = [.. Enumerable.Range(0, count).Select(i => TensorPrimitives.Sum(logVar.AsSpan(i * latents, latents)))];
        var information = new double[count];
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
            information[i] = density[i] - (LogSumExp(density) - Math.Log(count));
        });
        return information.Average();
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
