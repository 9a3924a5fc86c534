using OnnxVae.Exporters.Graph;
using OnnxVae.Exporters.Programs;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>P(z) = 1/K sum of Q(z|u_k): the posteriors of K pseudo-images u_k, which are learned like weights.</summary>
/// <remarks>
/// VampPrior: Tomczak and Welling 2018, arXiv 1705.07120, equation 9. Pixels are kept in [0, 1] by hardtanh, as there. The rate has no closed
/// form; one sample estimates it. The encoder runs a second time for the pseudo-images, so it cannot have layers that keep batch
/// statistics.
/// </remarks>
public sealed class VampPrior : Prior
{
    private readonly State pseudoImages;
    private readonly bool isUnitRange;

    /// <summary>Draws the pseudo-images' initial values.</summary>
    /// <param name="count">K.</param>
    /// <param name="shape">The examples' shape.</param>
    /// <param name="seed">Random seed of the values: normal with mean 0.5 and standard deviation 0.1, different from each other and inside the range; or standard normal.</param>
    /// <param name="isUnitRange">Whether the model sees values in [0, 1], and the pseudo-images have such ones too.</param>
    /// <exception cref="ArgumentOutOfRangeException">K is not positive.</exception>
    public VampPrior(int count, ExampleShape shape, ulong seed, bool isUnitRange = true)
    {
        if (count < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(count), $"The number of pseudo-images is {count}; the prior needs at least 1.");
        }

        var random = new Random(unchecked((int)seed));
        float[] values = [.. Enumerable.Range(0, count * shape.Dimensions).Select(_ => isUnitRange ? 0.5f + (0.1f * NextNormal(random)) : NextNormal(random))];
        this.isUnitRange = isUnitRange;
        pseudoImages = State.Create("prior.pseudoImages", StateRole.Parameter, Tensor.From<float>(shape.Batch(count), values));
    }

    /// <inheritdoc/>
    public override string Name => "vamp";

    /// <inheritdoc/>
    public override IReadOnlyList<State> States => [pseudoImages];

    /// <inheritdoc/>
    public override Value LogDensity(Value z, Func<Value, GaussianPosterior> encode)
    {
        var components = Components(encode);
        var (count, latents) = (components.Mean.Shape[0], components.Mean.Shape[1]);
        var (mean, logVar) = (Reshape(components.Mean, [1, count, latents]), Reshape(components.LogVar, [1, count, latents]));
        var difference = Reshape(z, [z.Shape[0], 1, latents]) - mean;
        var logDensities = ReduceSum((-0.5f * ((Square(difference) * Exp(-logVar)) + logVar)) - GaussianPosterior.HalfLogTwoPi, [2]);
        return LogSumExp(logDensities, axis: 1) - MathF.Log(count);
    }

    /// <summary>The variance of a mixture: the mean of the components' variances plus the variance of their means.</summary>
    public override Value Variances(Func<Value, GaussianPosterior> encode)
    {
        var components = Components(encode);
        float share = 1f / components.Mean.Shape[0];
        Value Average(Value x) => ReduceSum(x, [0]) * share; // [K, L] -> [L]
        var mean = Average(components.Mean);
        return Average(Exp(components.LogVar) + Square(components.Mean)) - Square(mean);
    }

    /// <inheritdoc/>
    public override PriorSampler Sampler(Func<Value, GaussianPosterior> encode) => PriorSampler.OfComponents(Components(encode));

    private GaussianPosterior Components(Func<Value, GaussianPosterior> encode) => encode(isUnitRange ? HardTanh(pseudoImages.Current, 0, 1) : pseudoImages.Current);

    // Box and Muller 1958.
    private static float NextNormal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
