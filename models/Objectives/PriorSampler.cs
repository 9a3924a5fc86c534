using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using OnnxVae.Models.Exact;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>A graph that turns noise into draws of the latents.</summary>
/// <param name="Inputs"><c>u</c>, uniform in [0, 1), and perhaps <c>eps</c>, standard normal; Float32 [N, ...].</param>
/// <param name="Z">Float32 [N, L].</param>
public sealed record PriorSampler(IReadOnlyList<Value> Inputs, Value Z)
{
    /// <summary>Draws from equally likely Gaussians with diagonal covariance: u, [N, 1], chooses one, eps, [N, L], the place in it.</summary>
    /// <param name="components">Means and log-variances, Float32 [K, L].</param>
    public static PriorSampler OfComponents(GaussianPosterior components)
    {
        var (count, latents) = (components.Mean.Shape[0], components.Mean.Shape[1]);
        var (u, eps) = (Uniform(1), Normal(latents));
        var chosen = Choice(u, [.. Enumerable.Repeat(1.0 / count, (int)count)]);
        return new PriorSampler([u, eps], MatMul(chosen, components.Mean) + (Exp(0.5f * MatMul(chosen, components.LogVar)) * eps));
    }

    /// <summary>Draws from a mixture of Gaussians: u, [N, 1], chooses the component k, then z = mean_k + factor_k eps, eps [N, L].</summary>
    /// <param name="mixture">The mixture; the factors are those of the Cholesky decomposition.</param>
    public static PriorSampler OfMixture(GaussianMixture mixture)
    {
        int count = mixture.Weights.Count, latents = mixture.Dimensions;
        var (u, eps) = (Uniform(1), Normal(latents));
        var chosen = Choice(u, mixture.Weights);
        var means = Value.Of<float>([count, latents], [.. mixture.Means.SelectMany(mean => mean).Select(x => (float)x)]);
        var factors = Value.Of<float>([count, latents * latents], [.. mixture.Factors.SelectMany(factor => factor.Transpose().Enumerate()).Select(x => (float)x)]);
        var factor = Reshape(MatMul(chosen, factors), [Shape.Batch, latents, latents]);
        return new PriorSampler([u, eps], MatMul(chosen, means) + Reshape(MatMul(factor, Reshape(eps, [Shape.Batch, latents, 1])), [Shape.Batch, latents]));
    }

    /// <summary>Draws whole numbers, latent by latent, by inverting their distribution: u, [N, L].</summary>
    /// <param name="first">The smallest number that is drawn.</param>
    /// <param name="cumulative">P(z_l at most first + i), Float32 [L, G], from the lowest to the second-highest number.</param>
    public static PriorSampler OfTable(float first, Value cumulative)
    {
        long latents = cumulative.Shape[0];
        var u = Uniform(latents);
        var above = GreaterOrEqual(Reshape(u, [Shape.Batch, latents, 1]), cumulative);
        return new PriorSampler([u], ReduceSum(Where(above, 1f, 0f), [2]) + first);
    }

    // [N, K] with a 1 where the sum of the weights before k <= u < that up to k.
    private static Value Choice(Value u, IReadOnlyList<double> weights)
    {
        int count = weights.Count;
        var upper = new float[count];
        double sum = 0;
        for (int k = 0; k < count; k++)
        {
            upper[k] = (float)(sum += weights[k]);
        }

        upper[^1] = float.MaxValue;
        float[] lower = [float.MinValue, .. upper[..^1]];
        var (isBelow, isAbove) = (Greater(Value.Of<float>([1, count], upper), u), GreaterOrEqual(u, Value.Of<float>([1, count], lower)));
        return Where(isBelow, 1f, 0f) * Where(isAbove, 1f, 0f);
    }

    private static Value Uniform(long columns) => Value.Input("u", ElementType.Float32, [Shape.Batch, columns]);

    private static Value Normal(long columns) => Value.Input("eps", ElementType.Float32, [Shape.Batch, columns]);
}
