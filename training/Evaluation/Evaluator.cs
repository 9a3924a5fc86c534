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
        if (source.Count == 0)
        {
            throw new InvalidDataException("There are no images to evaluate: the split is empty.");
        }

        using var buffers = new StateBuffers(package.Manifest.States, []);
        buffers.Load(states);
        using var runner = new ProgramRunner(package, program, buffers, options.Device, options.Threads);

        var totals = new EvaluationTotals(program, source.Count);
        int samples = program.Metrics.Any(metric => metric.Role == MetricRole.LogImportanceWeight) ? Math.Max(1, options.ImportanceSamples) : 1;
        int batchSize = (int)program.Images.Shape[0];
        for (long first = 0; first < source.Count; first += batchSize)
        {
            int rows = (int)Math.Min(batchSize, source.Count - first);
            ReadImages(source, first, rows, runner.Input<byte>(program.Images.Name));
            if (program.Labels is { } labels)
            {
                ReadLabels(source, first, rows, runner.Input<long>(labels.Name));
            }

            for (int sample = 0; sample < samples; sample++)
            {
                cancellation.ThrowIfCancellationRequested();
                long draw = (first / batchSize) << 20;
                runner.FillNoise(options.Seed ^ EvaluationKey, draw + sample, dataStep: draw);
                runner.Run();
                totals.Add(runner, rows, sample);
            }

            progress?.Invoke(first + rows, source.Count);
        }

        return totals.Finish(options);
    }

    // A batch that is not full is filled with the same images again: models that compare images of a batch find some.
    private static void ReadLabels(ImageSource source, long first, int rows, Span<long> labels)
    {
        for (int i = 0; i < labels.Length; i++)
        {
            labels[i] = source.LabelOf(first + (i % rows));
        }
    }

    private static void ReadImages(ImageSource source, long first, int rows, Span<byte> images)
    {
        for (int i = 0; i < images.Length / source.ImageSize; i++)
        {
            source.Read(first + (i % rows), images.Slice(i * source.ImageSize, source.ImageSize));
        }
    }
}
