namespace OnnxVae.Inference.Internals;

/// <summary>Draws rows of tables from P(y|z).</summary>
internal static class RowDraws
{
    private const uint NormalStream = 0x726e, UniformStream = 0x7275;

    /// <summary>Draws a row in the place of its mean: numbers are Gaussian, and categories become one-hot vectors.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="row">The mean of P(y|z), Float32 [C]; receives the row.</param>
    /// <param name="deviation">The standard deviations, Float32 [C].</param>
    /// <param name="seed">Random seed.</param>
    /// <param name="number">The row's number.</param>
    /// <param name="draw">Which draw for that row.</param>
    public static void Draw(IReadOnlyList<TableColumn> columns, Span<float> row, ReadOnlySpan<float> deviation, ulong seed, long number, int draw = 0)
    {
        float[] normal = new float[columns.Count], uniform = new float[columns.Count];
        Philox.FillStandardNormal(normal, seed, NormalStream, (ulong)number, (long)draw * columns.Count);
        Philox.FillUniform(uniform, seed, UniformStream, (ulong)number, (long)draw * columns.Count);
        for (int i = 0; i < columns.Count; i++)
        {
            var column = columns[i];
            float cell = column.Kind switch
            {
                TableColumnKind.Number => row[column.Start] + (deviation[column.Start] * normal[i]),
                TableColumnKind.Binary => uniform[i] < row[column.Start] ? 1 : 0,
                _ => Position(row.Slice(column.Start, column.Width), uniform[i]),
            };
            column.Write(cell, row);
        }
    }

    // Probabilities sum to 1 but for rounding.
    private static int Position(ReadOnlySpan<float> probabilities, float uniform)
    {
        double total = 0, sum = 0;
        foreach (float probability in probabilities)
        {
            total += probability;
        }

        for (int i = 0; i < probabilities.Length - 1; i++)
        {
            sum += probabilities[i];
            if (uniform * total < sum)
            {
                return i;
            }
        }

        return probabilities.Length - 1;
    }
}
