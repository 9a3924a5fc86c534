namespace OnnxVae.Inference.Internals;

/// <summary>
/// Scaling along one axis: each output pixel is a weighted mean of the input pixels around its position, with weights that fall linearly to 0 over
/// one pixel, or over the distance between output pixels when scaling down.
/// </summary>
internal sealed class TriangleFilter
{
    private readonly (int Index, float Weight)[][] taps;

    private TriangleFilter((int Index, float Weight)[][] taps) => this.taps = taps;

    /// <summary>The first input pixel that is used.</summary>
    public int First => taps[0][0].Index;

    /// <summary>The last input pixel that is used.</summary>
    public int Last => taps[^1][^1].Index;

    /// <summary>The input pixels that contribute to an output pixel, and their weights, which sum to 1.</summary>
    public (int Index, float Weight)[] this[int output] => taps[output];

    /// <summary>A filter that scales the center of an axis.</summary>
    /// <param name="length">Pixels along the axis.</param>
    /// <param name="outputs">Output pixels.</param>
    /// <param name="scale">Output pixels per pixel.</param>
    public static TriangleFilter Create(int length, int outputs, double scale)
    {
        double step = 1 / scale, reach = Math.Max(step, 1);
        double begin = step == 1 ? (length - outputs) / 2 : (length - (outputs * step)) / 2; // whole pixels stay whole
        return new TriangleFilter([.. Enumerable.Range(0, outputs).Select(output =>
        {
            double centre = begin + ((output + 0.5) * step);
            int first = Math.Max(0, (int)(centre - reach + 0.5)), end = Math.Min(length, (int)(centre + reach + 0.5));
            double[] weights = [.. Enumerable.Range(first, Math.Max(1, end - first)).Select(i => Math.Max(0, 1 - (Math.Abs(i + 0.5 - centre) / reach)))];
            double sum = weights.Sum();
            return weights.Select((weight, i) => (first + i, (float)(weight / sum))).Where(tap => tap.Item2 > 0).ToArray();
        })]);
    }
}
