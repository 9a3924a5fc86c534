using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>Rows of a table with what their missing values may be.</summary>
public sealed class ImputedRows
{
    private readonly float[] mean, deviation, effectiveSamples;
    private readonly bool[] missing;
    private readonly float[][] draws;

    private ImputedRows(float[] mean, float[] deviation, bool[] missing, float[][] draws, float[] effectiveSamples) =>
        (this.mean, this.deviation, this.missing, this.draws, this.effectiveSamples) = (mean, deviation, missing, draws, effectiveSamples);

    /// <summary>N.</summary>
    public int Count => effectiveSamples.Length;

    /// <summary>The rows, missing values as the mean of P(missing|observed): a number, or the probabilities of categories. Float32 [N, C].</summary>
    public ReadOnlySpan<float> Mean => mean;

    /// <summary>The standard deviation of P(missing|observed), in the data's units; 0 for values that are there. Float32 [N, C].</summary>
    public ReadOnlySpan<float> Deviation => deviation;

    /// <summary>Whether a value was missing.</summary>
    /// <param name="row">The row, from 0.</param>
    /// <param name="column">The value's column.</param>
    public bool IsMissing(int row, TableColumn column)
    {
        ArgumentNullException.ThrowIfNull(column);
        return missing[(row * (missing.Length / Count)) + column.Start];
    }

    /// <summary>M, how many rows were drawn for each.</summary>
    public int DrawCount => draws.Length;

    /// <summary>
    /// How many draws from P(z|observed) the samples of each row are worth, (sum w)^2 / sum w^2 with the importance weights w: few of them make a bad estimate. Of complete rows, all; 0 if
    /// no sample explains the row at all. Float32 [N].
    /// </summary>
    /// <remarks>Kong 1992, A note on importance sampling using standardized weights.</remarks>
    public ReadOnlySpan<float> EffectiveSamples => effectiveSamples;

    /// <summary>Rows whose missing values are drawn from P(missing|observed) together; categories are one-hot vectors.</summary>
    /// <param name="draw">Which draw, from 0.</param>
    /// <returns>Float32 [N, C].</returns>
    public ReadOnlySpan<float> Draw(int draw) => draws[draw];

    /// <summary>Reads rows that were imputed.</summary>
    internal static ImputedRows Of(Imputation[] filled, int size, int draws, int samples, ulong seed, long first)
    {
        float[] mean = new float[filled.Length * size], deviation = new float[mean.Length];
        bool[] isMissing = [.. filled.SelectMany(row => row.IsMissing)];
        float[][] drawn = [.. Enumerable.Range(0, draws).Select(_ => new float[mean.Length])];
        for (int row = 0; row < filled.Length; row++)
        {
            filled[row].WriteMean(mean.AsSpan(row * size, size), deviation.AsSpan(row * size, size));
            for (int draw = 0; draw < draws; draw++)
            {
                filled[row].WriteDraw(draw, drawn[draw].AsSpan(row * size, size), seed, first + row);
            }
        }

        return new ImputedRows(mean, deviation, isMissing, drawn, [.. filled.Select(row => row.IsComplete ? samples : (float)row.EffectiveSamples)]);
    }
}
