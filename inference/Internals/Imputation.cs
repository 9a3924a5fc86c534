namespace OnnxVae.Inference.Internals;

/// <summary>What weighted samples of the latents say of the missing values of one row.</summary>
internal sealed class Imputation
{
    private readonly IReadOnlyList<TableColumn> columns;
    private readonly float[] row;
    private readonly int[] missing; // places in the row
    private readonly double[] origins, sums, squares; // the first sample's means, and of differences from them weighted sums and second moments, at these places
    private readonly double[] keys; // of the samples that were chosen for the draws
    private readonly float[][] chosen, deviations; // their means and standard deviations
    private double largest = double.NegativeInfinity, weights, squaredWeights; // ln of the largest weight; the others are relative to it

    /// <param name="columns">The columns.</param>
    /// <param name="row">The row, Float32 [C], NaN where values are missing.</param>
    /// <param name="draws">How many rows to draw.</param>
    public Imputation(IReadOnlyList<TableColumn> columns, ReadOnlySpan<float> row, int draws)
    {
        (this.columns, this.row) = (columns, row.ToArray());
        missing = [.. Enumerable.Range(0, this.row.Length).Where(i => float.IsNaN(this.row[i]))];
        (origins, sums, squares) = (new double[missing.Length], new double[missing.Length], new double[missing.Length]);
        keys = [.. Enumerable.Repeat(double.NegativeInfinity, draws)];
        (chosen, deviations) = (new float[draws][], new float[draws][]);
    }

    /// <summary>Whether no value is missing.</summary>
    public bool IsComplete => missing.Length == 0;

    /// <summary>Whether each value of the row is missing.</summary>
    public IEnumerable<bool> IsMissing => row.Select(float.IsNaN);

    /// <summary>How many draws the weighted samples are worth; 0 if none of them explains the row.</summary>
    public double EffectiveSamples => largest > float.MinValue ? weights * weights / squaredWeights : 0;

    /// <summary>Adds a sample.</summary>
    /// <param name="logWeight">The natural logarithm of its weight.</param>
    /// <param name="mean">The mean of P(y|z), Float32 [C].</param>
    /// <param name="deviation">Its standard deviation, Float32 [C].</param>
    /// <param name="uniform">Numbers in [0, 1) that the draws are chosen by, Float32 [M, K].</param>
    /// <param name="sample">The sample's place among the K of these.</param>
    public void Add(float logWeight, ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation, ReadOnlySpan<float> uniform, int sample)
    {
        double log = logWeight;
        if (weights == 0)
        {
            for (int i = 0; i < missing.Length; i++)
            {
                origins[i] = mean[missing[i]];
            }
        }

        if (log > largest)
        {
            Rescale(Math.Exp(largest - log));
            largest = log;
        }

        double weight = Math.Exp(log - largest);
        weights += weight;
        squaredWeights += weight * weight;
        for (int i = 0; i < missing.Length; i++)
        {
            double m = mean[missing[i]] - origins[i], d = deviation[missing[i]];
            sums[i] += weight * m;
            squares[i] += weight * ((m * m) + (d * d));
        }

        // The largest of log-weight and Gumbel noise has the probability of its weight, however many samples follow.
        for (int draw = 0; draw < keys.Length; draw++)
        {
            double key = log - Math.Log(-Math.Log(uniform[(draw * (uniform.Length / keys.Length)) + sample] + float.Epsilon));
            if (key > keys[draw])
            {
                (keys[draw], chosen[draw], deviations[draw]) = (key, mean.ToArray(), deviation.ToArray());
            }
        }
    }

    /// <summary>Writes the row with its missing values as their means, and the standard deviations of these values.</summary>
    /// <param name="mean">Receives Float32 [C].</param>
    /// <param name="deviation">Receives Float32 [C], 0 for values that are there.</param>
    public void WriteMean(Span<float> mean, Span<float> deviation)
    {
        row.CopyTo(mean);
        deviation.Clear();
        for (int i = 0; i < missing.Length; i++)
        {
            double m = sums[i] / weights;
            (mean[missing[i]], deviation[missing[i]]) = ((float)(origins[i] + m), (float)Math.Sqrt(Math.Max(0, (squares[i] / weights) - (m * m))));
        }
    }

    /// <summary>Writes the row with its missing values drawn.</summary>
    /// <param name="draw">Which draw.</param>
    /// <param name="destination">Receives Float32 [C].</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="number">The row's number.</param>
    public void WriteDraw(int draw, Span<float> destination, ulong seed, long number)
    {
        if (IsComplete)
        {
            row.CopyTo(destination);
            return;
        }

        chosen[draw].CopyTo(destination);
        RowDraws.Draw(columns, destination, deviations[draw], seed, number, draw);
        for (int i = 0; i < row.Length; i++)
        {
            destination[i] = float.IsNaN(row[i]) ? destination[i] : row[i];
        }
    }

    private void Rescale(double factor)
    {
        weights *= factor;
        squaredWeights *= factor * factor;
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] *= factor;
            squares[i] *= factor;
        }
    }
}
