using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;
using Tensor = OnnxVae.Exporters.Onnx.Tensor;

namespace OnnxVae.Training.Evaluation;

/// <summary>How to evaluate.</summary>
/// <param name="ImportanceSamples">Samples per image behind the log-likelihood; 0 to leave it out.</param>
/// <param name="Seed">Chooses the noise.</param>
/// <param name="Device">Where to run.</param>
/// <param name="Threads">Threads of the processor; 0 for one per logical processor.</param>
public sealed record EvaluatorOptions(int ImportanceSamples, ulong Seed, OnnxDevice Device, int Threads = 0);

/// <summary>Computes the figures of a model over a whole data set.</summary>
public static class Evaluator
{
    private const int LargestInformationSample = 4096;
    private const double ActiveVariance = 0.01;
    private const ulong EvaluationKey = 0xE7A1UL << 48; // Noise of its own, apart from training's.

    /// <summary>Evaluates.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its states, by name.</param>
    /// <param name="source">The images.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told the images done and the images in all.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidDataException">The images or the states do not fit the model.</exception>
    public static EvaluationFigures Evaluate(
        TrainingPackage package,
        IReadOnlyDictionary<string, Tensor> states,
        ImageSource source,
        EvaluatorOptions options,
        Action<long, long>? progress = null,
        CancellationToken cancellation = default)
    {
        var program = package.Manifest.Evaluate;
        BatchPipeline.RequireFit(program, source);
        using var buffers = new StateBuffers(package.Manifest.States, []);
        buffers.Load(states);
        using var runner = new ProgramRunner(package, program, buffers, options.Device, options.Threads);

        var totals = new Totals(program, source.Count);
        int batchSize = (int)program.Images.Shape[0];
        var noise = BatchPipeline.AllocateNoise(program);
        for (long first = 0; first < source.Count; first += batchSize)
        {
            int rows = (int)Math.Min(batchSize, source.Count - first);
            ReadImages(source, first, rows, runner.Input<byte>(program.Images.Name));
            for (int sample = 0; sample < Math.Max(1, options.ImportanceSamples); sample++)
            {
                cancellation.ThrowIfCancellationRequested();
                BatchPipeline.FillNoise(program, noise, options.Seed ^ EvaluationKey, (ulong)((first / batchSize) << 20) + (ulong)sample);
                foreach (var (name, numbers) in noise)
                {
                    numbers.CopyTo(runner.Input<float>(name));
                }

                runner.Run();
                totals.Add(runner, first, rows, sample);
            }

            progress?.Invoke(first + rows, source.Count);
        }

        return totals.Finish(options);
    }

    private static void ReadImages(ImageSource source, long first, int rows, Span<byte> images)
    {
        images.Clear();
        for (int i = 0; i < rows; i++)
        {
            source.Read(first + i, images.Slice(i * source.ImageSize, source.ImageSize));
        }
    }

    private sealed class Totals(ProgramSpec program, long images)
    {
        private readonly Dictionary<string, double> sums = program.Metrics.Where(metric => metric.Role == MetricRole.PerRow).ToDictionary(metric => metric.Name, _ => 0.0);
        private readonly Dictionary<string, double> scalars = [];
        private readonly List<double> logWeights = [];
        private readonly List<float> means = [];
        private readonly List<float> logVars = [];
        private double negativeLogLikelihood;

        public void Add(ProgramRunner runner, long first, int rows, int sample)
        {
            foreach (var metric in program.Metrics)
            {
                var values = runner.Metric(metric.Name);
                switch (metric.Role)
                {
                    case MetricRole.PerRow when sample == 0:
                        sums[metric.Name] += Sum(values[..rows]);
                        break;
                    case MetricRole.Scalar:
                        scalars[metric.Name] = values[0];
                        break;
                    case MetricRole.LogImportanceWeight:
                        AddLogWeights(values[..rows], sample);
                        break;
                    case MetricRole.PosteriorMean when sample == 0 && first < LargestInformationSample:
                        means.AddRange(values[..(rows * (int)metric.Shape[1])]);
                        break;
                    case MetricRole.PosteriorLogVariance when sample == 0 && first < LargestInformationSample:
                        logVars.AddRange(values[..(rows * (int)metric.Shape[1])]);
                        break;
                }
            }
        }

        public EvaluationFigures Finish(EvaluatorOptions options)
        {
            CloseBatch();
            int latents = (int)program.Metrics.Single(metric => metric.Role == MetricRole.PosteriorMean).Shape[1];
            int count = means.Count / latents;
            float[] mean = [.. means], logVar = [.. logVars];
            double[] ratePerLatent = [.. Enumerable.Range(0, latents).Select(l => Column(mean, l, latents)
                .Zip(Column(logVar, l, latents), (m, v) => 0.5 * ((m * m) + Math.Exp(v) - 1 - v)).Average())];
            double information = AggregatedPosterior.MutualInformation(mean, logVar, count, options.Seed);
            var shape = program.Images.Shape;
            return new EvaluationFigures
            {
                NegativeElbo = sums["negativeElbo"] / images,
                Rate = sums["rate"] / images,
                Distortion = sums["distortion"] / images,
                NegativeLogLikelihood = options.ImportanceSamples > 0 ? negativeLogLikelihood / images : null,
                ImportanceSamples = options.ImportanceSamples,
                BitsPerDimension = sums["negativeElbo"] / images / (shape[1] * shape[2] * shape[3] * Math.Log(2)),
                Sigma = scalars.TryGetValue("sigma", out double sigma) ? sigma : null,
                ActiveUnits = Enumerable.Range(0, latents).Count(l => Variance([.. Column(mean, l, latents)]) > ActiveVariance),
                RatePerLatent = ratePerLatent,
                MutualInformation = information,
                MarginalKl = ratePerLatent.Sum() - information,
                InformationImages = count,
                Images = images,
            };
        }

        // ln of the mean weight, built up sample by sample: the running log-sum-exp of each image of the batch.
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

        private int samples;

        private void CloseBatch()
        {
            negativeLogLikelihood -= logWeights.Sum(weight => weight - Math.Log(samples));
            logWeights.Clear();
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
}
