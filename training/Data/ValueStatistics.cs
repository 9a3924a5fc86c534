using System.Globalization;
using OnnxVae.Format;

namespace OnnxVae.Training.Data;

/// <summary>The distribution of the values of each channel of examples; the columns of vectors are channels.</summary>
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

    /// <summary>Reads all examples of a source.</summary>
    /// <param name="source">The examples.</param>
    public static ValueStatistics Of(ImageSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var (channels, size) = (source.Channels, source.Shape.ValuesPerChannel);
        double[] means = new double[channels], squares = new double[channels];
        float[] smallest = [.. Enumerable.Repeat(float.PositiveInfinity, channels)], largest = [.. Enumerable.Repeat(float.NegativeInfinity, channels)];
        var values = new float[source.ImageSize];
        for (long example = 0; example < source.Count; example++)
        {
            source.ReadValues(example, values);
            for (int channel = 0; channel < channels; channel++)
            {
                Add(values.AsSpan(channel * size, size), example * size, ref means[channel], ref squares[channel]);
                foreach (float value in values.AsSpan(channel * size, size))
                {
                    (smallest[channel], largest[channel]) = (Math.Min(smallest[channel], value), Math.Max(largest[channel], value));
                }
            }
        }

        double count = (double)source.Count * size;
        return new ValueStatistics(source.Shape, source.Count, means, [.. squares.Select(sum => Math.Sqrt(sum / count))], smallest, largest);
    }

    /// <summary>How the values are brought to a common scale.</summary>
    /// <param name="kind">How; not as they are.</param>
    /// <exception cref="InvalidDataException">A channel has the same value in all examples, and so no scale.</exception>
    public Scaling ToScaling(ScalingKind kind)
    {
        RequireVariety();
        return kind == ScalingKind.Standard
            ? Scaling.Standard([.. Means.Select(mean => (float)mean)], [.. Deviations.Select(deviation => (float)deviation)])
            : Scaling.MinMax(Smallest, [.. Largest.Zip(Smallest, (large, small) => large - small)]);
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
    private static void Add(ReadOnlySpan<float> values, double before, ref double mean, ref double squares)
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

        double difference = meanOfValues - mean, all = before + values.Length;
        mean += difference * values.Length / all;
        squares += squaresOfValues + (difference * difference * before * values.Length / all);
    }
}
