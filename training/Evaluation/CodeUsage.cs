namespace OnnxVae.Training.Evaluation;

/// <summary>How the codes of a codebook are used over a data set.</summary>
/// <param name="Usage">The fraction of codes that occur at all, from 0 to 1.</param>
/// <param name="Perplexity">The number of equally frequent codes with the same entropy: exp of the entropy of the frequencies.</param>
public sealed record CodeUsage(double Usage, double Perplexity)
{
    /// <summary>Computes both from the count of each code.</summary>
    public static CodeUsage Of(IReadOnlyList<double> counts)
    {
        double total = counts.Sum();
        double entropy = -counts.Where(count => count > 0).Sum(count => count / total * Math.Log(count / total));
        return new CodeUsage((double)counts.Count(count => count > 0) / counts.Count, Math.Exp(entropy));
    }
}
