namespace OnnxVae.Inference;

/// <summary>How codes are drawn.</summary>
/// <param name="Class">The name of the images' class; if omitted, each image's class is drawn according to the class frequencies of the training images.</param>
/// <param name="Temperature">What logits are divided by: below 1, likely codes become more likely.</param>
/// <param name="TopP">
/// Nucleus sampling: codes are drawn only from the likeliest ones that together have at least this probability; 1 for all. Holtzman et al. 2020,
/// arXiv 1904.09751.
/// </param>
public sealed record CodeSampling(string? Class = null, double Temperature = 1, double TopP = 1)
{
    /// <summary>Draws a code.</summary>
    /// <param name="logits">Unnormalized log-probabilities of the codes, [K].</param>
    /// <param name="u">Uniform in [0, 1).</param>
    /// <returns>The code.</returns>
    /// <exception cref="InvalidDataException">The logits contain NaN or infinity.</exception>
    public int Draw(ReadOnlySpan<float> logits, double u)
    {
        Span<double> weights = logits.Length <= 1024 ? stackalloc double[logits.Length] : new double[logits.Length];
        float largest = logits[0];
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        double total = 0;
        for (int k = 0; k < weights.Length; k++)
        {
            total += weights[k] = Math.Exp((logits[k] - largest) / Temperature);
        }

        if (!(total > 0 && double.IsFinite(total)))
        {
            throw new InvalidDataException("The prior's logits are not finite: its training has diverged; retrain it.");
        }

        if (TopP < 1)
        {
            total = KeepLikeliest(weights, TopP * total);
        }

        double left = u * total;
        int last = 0;
        for (int k = 0; k < weights.Length; k++)
        {
            if (weights[k] > 0)
            {
                last = k;
                if ((left -= weights[k]) < 0)
                {
                    break;
                }
            }
        }

        return last;
    }

    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    internal void Validate()
    {
        if (!(Temperature > 0 && double.IsFinite(Temperature)))
        {
            throw new ArgumentOutOfRangeException(null, $"The temperature is {Temperature}; it must be a positive number.");
        }

        if (!(TopP > 0 && TopP <= 1))
        {
            throw new ArgumentOutOfRangeException(null, $"TopP is {TopP}; it must be above 0 and at most 1.");
        }
    }

    // Zeroes all but the largest weights that reach a sum, and returns their sum; among equal weights, the first are kept.
    private static double KeepLikeliest(Span<double> weights, double enough)
    {
        var order = new int[weights.Length];
        var keys = new double[weights.Length];
        for (int k = 0; k < weights.Length; k++)
        {
            (order[k], keys[k]) = (k, -weights[k]);
        }

        Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
        double sum = 0;
        foreach (int k in order)
        {
            if (sum >= enough)
            {
                weights[k] = 0;
            }
            else
            {
                sum += weights[k];
            }
        }

        return sum;
    }
}
