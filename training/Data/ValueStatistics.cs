using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The distribution of the values of each channel of examples; the columns of vectors are channels. Missing values are left out.</summary>
/// <param name="Shape">The examples' shape.</param>
/// <param name="Count">How many examples there are.</param>
/// <param name="Means">The channels' means.</param>
/// <param name="Deviations">Their standard deviations, over all values.</param>
/// <param name="Smallest">Their smallest values.</param>
/// <param name="Largest">Their largest values.</param>
public sealed record ValueStatistics(
    ExampleShape Shape, long Count, IReadOnlyList<double> Means, IReadOnlyList<double> Deviations, IReadOnlyList<float> Smallest, IReadOnlyList<float> Largest)
{
    private const int MostNamed = 6;
    private const double LeastSteps = 0.01; // of a standard deviation, of the numbers of a table
    private const double FloatSpacing = 1.0 / (1 << 24); // relative

    /// <summary>Reads all examples of a source.</summary>
    /// <param name="source">The examples.</param>
    public static ValueStatistics Of(ImageSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var (channels, size) = (source.Channels, source.Shape.ValuesPerChannel);
        double[] means = new double[channels], squares = new double[channels];
        float[] smallest = [.. Enumerable.Repeat(float.PositiveInfinity, channels)], largest = [.. Enumerable.Repeat(float.NegativeInfinity, channels)];
        var values = new float[source.ImageSize];
        long[] counts = new long[channels];
        for (long example = 0; example < source.Count; example++)
        {
            source.ReadValues(example, values);
            for (int channel = 0; channel < channels; channel++)
            {
                var ofChannel = values.AsSpan(channel * size, size);
                if (source.Table is not null && float.IsNaN(ofChannel[0]))
                {
                    continue;
                }

                Add(ofChannel, counts[channel], ref means[channel], ref squares[channel]);
                counts[channel] += size;
                foreach (float value in ofChannel)
                {
                    (smallest[channel], largest[channel]) = (Math.Min(smallest[channel], value), Math.Max(largest[channel], value));
                }
            }
        }

        return new ValueStatistics(source.Shape, source.Count, means, [.. squares.Zip(counts, (sum, count) => Math.Sqrt(sum / count))], smallest, largest) { Table = source.Table, StartsOfIncompleteColumns = source.Table is null ? [] : [.. source.Table.Columns.Select(column => column.Start).Where(start => counts[start] < source.Count)] };
    }

    /// <summary>The columns of the table whose rows the examples are; null for other examples.</summary>
    public TableSpec? Table { get; init; }

    /// <summary>Where the columns of a table begin in the vector of a row, of those with missing values.</summary>
    public IReadOnlyList<int> StartsOfIncompleteColumns { get; init; } = [];

    /// <summary>How the values are brought to a common scale; categories of a table are left as they are.</summary>
    /// <param name="kind">How; not as they are.</param>
    /// <exception cref="InvalidDataException">A channel has the same value in all examples, and so no scale; or the numbers of a column differ by less than Float32 tells apart.</exception>
    public Scaling ToScaling(ScalingKind kind)
    {
        if (Table is not null)
        {
            return OfNumbers(kind, Table);
        }

        RequireVariety();
        return kind == ScalingKind.Standard
            ? Scaling.Standard([.. Means.Select(mean => (float)mean)], [.. Deviations.Select(deviation => (float)deviation)])
            : Scaling.MinMax(Smallest, [.. Largest.Zip(Smallest, (large, small) => large - small)]);
    }

    private Scaling OfNumbers(ScalingKind kind, TableSpec table)
    {
        float[] offsets = new float[table.Width], scales = [.. Enumerable.Repeat(1f, table.Width)];
        foreach (var column in table.Columns.Where(column => column.Kind == ColumnKind.Number))
        {
            int at = column.Start;
            if (!(Largest[at] > Smallest[at]))
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"Column '{column.Name}' {(float.IsFinite(Largest[at]) ? $"is {Largest[at]} in all {Count} training rows" : $"is missing in all {Count} training rows")}, which cannot be brought to a scale: leave the column out."));
            }

            if (Deviations[at] * LeastSteps < Math.Max(Math.Abs(Largest[at]), Math.Abs(Smallest[at])) * FloatSpacing)
            {
                throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"Column '{column.Name}' has numbers from {Smallest[at]} to {Largest[at]}, which differ by little more than float32 tells apart: subtract a number like {Smallest[at]} from all of them, or leave the column out."));
            }

            (offsets[at], scales[at]) = kind == ScalingKind.Standard ? ((float)Means[at], (float)Deviations[at]) : (Smallest[at], Largest[at] - Smallest[at]);
        }

        return kind == ScalingKind.Standard ? Scaling.Standard(offsets, scales) : Scaling.MinMax(offsets, scales);
    }

    private void RequireVariety()
    {
        int[] constant = [.. Enumerable.Range(0, Smallest.Count).Where(channel => Smallest[channel] == Largest[channel])];
        if (constant.Length > 0)
        {
            string name = Shape.Sides.Count == 0 ? "column" : "channel", named = string.Join(", ", constant.Take(MostNamed));
            string which = constant.Length == 1
                ? string.Create(CultureInfo.InvariantCulture, $"{char.ToUpperInvariant(name[0])}{name[1..]} {named}, counted from 0, is {Smallest[constant[0]]} as float32")
                : $"{char.ToUpperInvariant(name[0])}{name[1..]}s {named}{(constant.Length > MostNamed ? $" and {constant.Length - MostNamed} more" : "")}, counted from 0, have one value each as float32";
            throw new InvalidDataException($"{which} in all {Count} training {Shape.Noun}, which cannot be brought to a scale: leave {(constant.Length == 1 ? "it" : "them")} out of the data, or take values as they are.");
        }
    }

    // Mean and sum of squared differences from it, with those of further values. Chan, Golub and LeVeque 1983, Algorithms for computing the sample variance.
    private static void Add(ReadOnlySpan<float> values, long before, ref double mean, ref double squares)
    {
        double meanOfValues = 0, squaresOfValues = 0;
        foreach (float value in values)
        {
            meanOfValues += value;
        }

        meanOfValues /= values.Length;
        foreach (float value in values)
        {
            squaresOfValues += (value - meanOfValues) * (value - meanOfValues);
        }

        double difference = meanOfValues - mean, all = (double)before + values.Length;
        mean += difference * values.Length / all;
        squares += squaresOfValues + (difference * difference * before * values.Length / all);
    }
}
