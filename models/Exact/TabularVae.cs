namespace OnnxVae.Models.Exact;

/// <summary>
/// A VAE whose data and latents are a few symbols, and whose Q(z|y), P(z) and P(y|z) are free tables: everything is a finite sum. Given any Q, the
/// best prior is the aggregated posterior, P*(z) = sum over y of P(y) Q(z|y), the best decoder is Bayes' rule, and the negative ELBO is H(y):
/// every Q is as good as any other, whatever z says about y.
/// </summary>
/// <remarks>
/// The independent universality of the decoder and the prior, and the indeterminacy of the VAE. With these two, rate = I(y; z) and distortion =
/// H(y|z), which sum to H(y). All results in nats.
/// </remarks>
public sealed class TabularVae
{
    private const double Tolerance = 1e-9;

    private readonly double[] data;
    private readonly double[][] encoder;

    /// <summary>Takes data and an encoder.</summary>
    /// <param name="data">P(y), M probabilities.</param>
    /// <param name="encoder">Q(z|y), M rows of K probabilities.</param>
    /// <exception cref="ArgumentException">These are not distributions, or their sizes differ.</exception>
    public TabularVae(IReadOnlyList<double> data, IReadOnlyList<IReadOnlyList<double>> encoder)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(encoder);
        if (encoder.Count != data.Count || !IsDistribution(data) || !encoder.All(IsDistribution) || encoder.Any(row => row.Count != encoder[0].Count))
        {
            throw new ArgumentException($"A table of {data.Count} probabilities and {encoder.Count} rows of them is not P(y) and Q(z|y): each must sum to 1, with a row for each y.", nameof(encoder));
        }

        (this.data, this.encoder) = ([.. data], [.. encoder.Select(row => row.ToArray())]);
        int latents = encoder[0].Count;
        Prior = [.. Enumerable.Range(0, latents).Select(z => this.data.Index().Sum(y => y.Item * this.encoder[y.Index][z]))];
        Decoder = [.. Enumerable.Range(0, latents).Select(z => this.data.Index().Select(y => Prior[z] > 0 ? y.Item * this.encoder[y.Index][z] / Prior[z] : y.Item).ToArray())];
    }

    /// <summary>P*(z), the aggregated posterior, K probabilities.</summary>
    public IReadOnlyList<double> Prior { get; }

    /// <summary>P*(y|z) = P(y) Q(z|y) / P*(z), K rows of M probabilities.</summary>
    public IReadOnlyList<IReadOnlyList<double>> Decoder { get; }

    /// <summary>H(y), the best negative ELBO there is.</summary>
    public double Entropy => -data.Sum(TimesLog);

    /// <summary>The rate E KL(Q(z|y) || P*(z)), which is I(y; z).</summary>
    public double Rate => Math.Max(0, Expected((y, z) => Math.Log(encoder[y][z] / Prior[z])));

    /// <summary>The distortion E [-ln P*(y|z)], which is H(y|z).</summary>
    public double Distortion => Expected((y, z) => -Math.Log(Decoder[z][y]));

    /// <summary>Rate + distortion.</summary>
    public double NegativeElbo => Rate + Distortion;

    /// <summary>The negative ELBO with any other prior and decoder: never less.</summary>
    /// <param name="prior">P(z), K probabilities.</param>
    /// <param name="decoder">P(y|z), K rows of M probabilities.</param>
    public double NegativeElboWith(IReadOnlyList<double> prior, IReadOnlyList<IReadOnlyList<double>> decoder) =>
        Expected((y, z) => Math.Log(encoder[y][z] / prior[z]) - Math.Log(decoder[z][y]));

    /// <summary>Random data and an encoder between one that says nothing and one that says everything.</summary>
    /// <param name="values">M, values of y, and of z.</param>
    /// <param name="certainty">0 for a z that is independent of y, 1 for one that is y.</param>
    /// <param name="seed">Random seed of P(y) and of the encoder's noise.</param>
    public static TabularVae Random(int values, double certainty, int seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(values, 2);
        var random = new Random(seed);
        double[] data = Draw(values, random), noise = Draw(values, random);
        return new TabularVae(data, [.. Enumerable.Range(0, values).Select(y => noise.Index().Select(z => (certainty * (z.Index == y ? 1 : 0)) + ((1 - certainty) * z.Item)).ToArray())]);
    }

    private static double[] Draw(int count, Random random)
    {
        double[] shares = [.. Enumerable.Range(0, count).Select(_ => -Math.Log(1 - random.NextDouble()))];
        return [.. shares.Select(share => share / shares.Sum())];
    }

    private static bool IsDistribution(IReadOnlyList<double> shares) => shares.Count > 0 && shares.All(share => share >= 0) && Math.Abs(shares.Sum() - 1) < Tolerance;

    private static double TimesLog(double p) => p > 0 ? p * Math.Log(p) : 0;

    // Over P(y) Q(z|y).
    private double Expected(Func<int, int, double> of)
    {
        double sum = 0;
        for (int y = 0; y < data.Length; y++)
        {
            for (int z = 0; z < Prior.Count; z++)
            {
                double joint = data[y] * encoder[y][z];
                sum += joint > 0 ? joint * of(y, z) : 0;
            }
        }

        return sum;
    }
}
