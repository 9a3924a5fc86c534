using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Evaluation;

/// <summary>Accumulates the metrics that the evaluation program computes for each batch, by their roles.</summary>
/// <param name="program">The evaluation program.</param>
/// <param name="images">Total number of images.</param>
internal sealed class EvaluationTotals(ProgramSpec program, long images)
{
    private const int LargestInformationSample = 10_000;
    private static readonly string[] Known = ["negativeElbo", "rate", "distortion"];

    private readonly Dictionary<string, double> sums = program.Metrics.Where(metric => metric.Role == MetricRole.PerRow).ToDictionary(metric => metric.Name, _ => 0.0);
    private readonly ExchangeTotals exchange = new(program, images);
    private readonly Dictionary<string, double[]> columnSums = program.Metrics.Where(metric => metric.Role is MetricRole.PerLatent or MetricRole.CodeCounts)
        .ToDictionary(metric => metric.Name, metric => new double[metric.Shape[1]]);

    private readonly List<float> rates = [];
    private readonly Dictionary<string, double> scalars = [];
    private readonly List<double> logWeights = [];
    private readonly List<float> means = [];
    private readonly List<float> logVars = [];
    private float[] priorVariances = [];
    private double negativeLogLikelihood;
    private int samples;

    /// <summary>Adds the last run of a batch.</summary>
    /// <param name="runner">What ran.</param>
    /// <param name="rows">Images in the batch; further rows are padding.</param>
    /// <param name="sample">Which of the batch's noise samples, from 0.</param>
    public void Add(ProgramRunner runner, int rows, int sample)
    {
        foreach (var metric in sample == 0 ? program.Metrics : program.Metrics.Where(metric => metric.Role == MetricRole.LogImportanceWeight))
        {
            var values = runner.Metric(metric.Name);
            switch (metric.Role)
            {
                case MetricRole.PerRow:
                    sums[metric.Name] += Sum(values[..rows]);
                    if (metric.Name == "rate")
                    {
                        rates.AddRange(values[..rows]);
                    }

                    break;
                case MetricRole.PerLatent or MetricRole.CodeCounts:
                    AddRows(columnSums[metric.Name], values, rows);
                    break;
                case MetricRole.PriorVariance:
                    priorVariances = values.ToArray();
                    break;
                case MetricRole.Scalar:
                    scalars[metric.Name] = values[0];
                    break;
                case MetricRole.LogImportanceWeight:
                    AddLogWeights(values[..rows], sample);
                    break;
                case MetricRole.PosteriorMean:
                    means.AddRange(values[..(rows * (int)metric.Shape[1])]);
                    break;
                case MetricRole.PosteriorLogVariance:
                    logVars.AddRange(values[..(rows * (int)metric.Shape[1])]);
                    break;
            }
        }

        if (sample == 0)
        {
            exchange.Add(runner, rows);
        }
    }

    /// <summary>The metrics, after the last batch.</summary>
    public EvaluationFigures Finish(EvaluatorOptions options)
    {
        CloseBatch();
        RequireFinite();
        int latents = (int?)program.Metrics.SingleOrDefault(metric => metric.Role == MetricRole.PosteriorMean)?.Shape[1] ?? 0; // zero for codes
        float[] mean = [.. means];
        var information = latents == 0 ? null : EstimateInformation(mean, latents, options);
        double[] relativeVariances = [.. Enumerable.Range(0, latents).Select(l => Variance([.. Column(mean, l, latents)]) / (priorVariances.Length > 0 ? priorVariances[l] : 1))];
        bool isWeighted = options.ImportanceSamples > 0 && samples > 0;
        double values = MeanOf("unknownValues") ?? MeanOf("observedValues") ?? program.ExampleShape.Dimensions;
        double? bits = values > 0 ? values * Math.Log(2) : null; // nats equal to one bit per value that is not given
        double? negativeElbo = MeanOf("negativeElbo"), rate = MeanOf("rate"), distortion = MeanOf("distortion");
        var exchanged = exchange.OfDistortion(distortion);
        return new EvaluationFigures
        {
            NegativeElbo = negativeElbo,
            Rate = rate,
            Distortion = distortion,
            DistortionExchanged = exchanged?.Exchanged,
            ChangedByExchange = exchanged?.Changed,
            Further = sums.Where(sum => !Known.Contains(sum.Key)).Select(sum => (sum.Key, sum.Value / images)).Concat(exchange.FurtherMeans).ToDictionary(),
            NegativeLogLikelihood = isWeighted ? negativeLogLikelihood / images : null,
            ImportanceSamples = isWeighted ? options.ImportanceSamples : null,
            BitsPerDimension = negativeElbo / bits,
            RateBitsPerDimension = rate / bits,
            Sigma = scalars.TryGetValue("sigma", out double sigma) ? sigma : null,
            DistortionBitsPerDimension = negativeElbo is null ? null : distortion / bits,
            ActiveUnits = latents == 0 ? null : relativeVariances.Count(variance => variance > PosteriorCollapse.ActiveVariance),
            RatePerLatent = columnSums.TryGetValue("ratePerLatent", out double[]? latentRates) ? [.. latentRates.Select(sum => sum / images)] : null,
            MutualInformation = information?.Lower,
            MutualInformationUpper = information?.Upper,
            MutualInformationCeiling = information is { } ceiling ? Math.Log(ceiling.Images) : null,
            MarginalKlLower = information is { } lower ? Math.Clamp(lower.FittedMarginalKl ?? 0, lower.Rate - lower.Upper, lower.Rate - lower.Lower) : null,
            MarginalKlUpper = information?.Rate - information?.Lower,
            InformationImages = information?.Images,
            Images = images,
            Codes = program.Metrics.Where(metric => metric.Role == MetricRole.CodeCounts)
                .ToDictionary(metric => metric.Name["codes".Length..], metric => CodeUsage.Of(columnSums[metric.Name])),
            PosteriorCollapse = latents == 0 ? null : PosteriorCollapse.Judge(images, relativeVariances, rate!.Value, information?.Lower ?? rate.Value, exchanged),
        };
    }

    private double? MeanOf(string metric) => sums.TryGetValue(metric, out double sum) ? sum / images : null;

    // With the rate of the same images; estimates outside the possible range, 0 to the rate, are clamped. Needs more than one image, and posterior
    // variances, which rounded latents do not have.
    private (double Lower, double Upper, double Rate, double? FittedMarginalKl, int Images)? EstimateInformation(float[] mean, int latents, EvaluatorOptions options)
    {
        int rows = mean.Length / latents, count = Math.Min(rows, LargestInformationSample);
        if (logVars.Count == 0 || count < 2)
        {
            return null;
        }

        var order = new Permutation(rows, options.Seed, 0);
        float[] means = Rows(mean, order, count, latents), variances = Rows([.. logVars], order, count, latents);
        double[] ownRates = [.. Enumerable.Range(0, count).Select(i => (double)rates[(int)order[i]])];
        double rate = Math.Max(0, ownRates.Average());
        var estimates = AggregatedPosterior.MutualInformation(means, variances, count, options.Seed);
        double lower = Math.Clamp(estimates.PlugIn, 0, rate);
        return (
            lower, Math.Clamp(estimates.Upper, lower, rate), rate,
            options.FitDensity is { } fit ? AggregatedPosterior.FittedMarginalKl(means, variances, ownRates, options.Seed, fit) : null, count);
    }

    private void RequireFinite()
    {
        if (sums.FirstOrDefault(sum => !double.IsFinite(sum.Value)).Key is { } name)
        {
            throw new InvalidDataException($"The {name} of at least one image is not finite: the model has diverged; evaluate an earlier checkpoint.");
        }
    }

    // ln of the mean weight, accumulated sample by sample: the running log-sum-exp of each image of the batch.
    private void AddLogWeights(ReadOnlySpan<float> values, int sample)
    {
        if (sample == 0)
        {
            CloseBatch();
        }

        samples = sample + 1;
        for (int i = 0; i < values.Length; i++)
        {
            if (sample == 0)
            {
                logWeights.Add(values[i]);
            }
            else
            {
                double larger = Math.Max(logWeights[i], values[i]), smaller = Math.Min(logWeights[i], values[i]);
                logWeights[i] = larger + Math.Log(1 + Math.Exp(smaller - larger));
            }
        }
    }

    private void CloseBatch()
    {
        negativeLogLikelihood -= logWeights.Sum(weight => weight - Math.Log(samples));
        logWeights.Clear();
    }

    private static float[] Rows(float[] matrix, Permutation order, int count, int columns) =>
        [.. Enumerable.Range(0, count).SelectMany(i => matrix.Skip((int)order[i] * columns).Take(columns))];

    private static void AddRows(double[] sums, ReadOnlySpan<float> values, int rows)
    {
        for (int i = 0; i < rows * sums.Length; i++)
        {
            sums[i % sums.Length] += values[i];
        }
    }

    private static double Sum(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
        {
            sum += value;
        }

        return sum;
    }

    private static IEnumerable<double> Column(float[] matrix, int column, int columns)
    {
        for (int i = column; i < matrix.Length; i += columns)
        {
            yield return matrix[i];
        }
    }

    private static double Variance(double[] values)
    {
        double mean = values.Average();
        return values.Average(value => (value - mean) * (value - mean));
    }
}
