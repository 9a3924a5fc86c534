using OnnxVae.Format;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Evaluation;

/// <summary>Accumulates the metrics of images decoded from the latents of the preceding image in their batch.</summary>
/// <param name="program">The evaluation program.</param>
/// <param name="images">Total number of images; with a single one there is nothing to exchange.</param>
internal sealed class ExchangeTotals(ProgramSpec program, long images)
{
    private const string Own = "distortion", Others = "distortionExchanged";

    private readonly Dictionary<string, double> sums = program.Metrics.Where(metric => metric.Role == MetricRole.PerRowExchanged).ToDictionary(metric => metric.Name, _ => 0.0);
    private long count;
    private long changed;
    private double differences;
    private double squaredDifferences;

    /// <summary>The means of the other metrics of exchanged latents, by name.</summary>
    public IEnumerable<(string Name, double Mean)> FurtherMeans => sums.Where(sum => sum.Key != Others && count > 0).Select(sum => (sum.Key, sum.Value / count));

    /// <summary>The effect on the distortion; null if it is not reported, or nothing could be exchanged.</summary>
    /// <param name="distortion">The mean over all images with their own latents.</param>
    public LatentExchange? OfDistortion(double? distortion) => count > 0 && distortion is { } own && sums.TryGetValue(Others, out double sum)
        ? new LatentExchange(own, sum / count, (double)changed / count, StandardError)
        : null;

    /// <summary>Adds the last run of a batch.</summary>
    /// <param name="runner">What ran.</param>
    /// <param name="rows">Images in the batch; further rows are padding.</param>
    public void Add(ProgramRunner runner, int rows)
    {
        if (images == 1)
        {
            return;
        }

        foreach (string name in sums.Keys.ToArray())
        {
            foreach (float value in runner.Metric(name)[..rows])
            {
                sums[name] += value;
            }
        }

        if (!sums.ContainsKey(Others))
        {
            return;
        }

        ReadOnlySpan<float> own = runner.Metric(Own), others = runner.Metric(Others);
        for (int i = 0; i < rows; i++)
        {
            double difference = (double)others[i] - own[i];
            (count, differences, squaredDifferences) = (count + 1, differences + difference, squaredDifferences + (difference * difference));
            changed += LatentExchange.IsChange(own[i], others[i]) ? 1 : 0;
        }
    }

    // of the mean difference
    private double StandardError => Math.Sqrt(Math.Max(0, (squaredDifferences / count) - (differences / count * (differences / count))) / count);
}
