using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;
using Tensor = OnnxVae.Format.Tensor;

namespace OnnxVae.Training.Evaluation;

/// <summary>Computes the metrics of a model over a whole data set.</summary>
public static class Evaluator
{
    /// <summary>Computes the metrics.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its states, by name.</param>
    /// <param name="source">The images.</param>
    /// <param name="options">How to evaluate.</param>
    /// <param name="progress">Called with the number of images done and the total.</param>
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
        source = program.Labels is null ? source : RelabeledImages.For(source, package.Classes);
        ImageRequirements.RequireFit(package, source);
        if (source.Count == 0)
        {
            throw new InvalidDataException("There are no images to evaluate: the split is empty.");
        }

        using var buffers = new StateBuffers(package, options.Device, []);
        buffers.Load(states);
        using var runner = new ProgramRunner(package, program, buffers, options.Threads);
        using var further = package.Manifest.Weigh is { } weigh && options.ImportanceSamples > 1 ? new ProgramRunner(package, weigh, buffers, options.Threads) : null;

        var totals = new EvaluationTotals(program, source.Count);
        var segmentation = SegmentationTotals.For(program, source);
        int samples = program.Metrics.Any(metric => metric.Role == MetricRole.LogImportanceWeight) ? Math.Max(1, options.ImportanceSamples) : 1;
        int batchSize = (int)program.Images.Shape[0];
        for (long first = 0; first < source.Count; first += batchSize)
        {
            int rows = (int)Math.Min(batchSize, source.Count - first);
            EvaluationBatch.Fill(runner, program, source, first);
            if (further is not null)
            {
                runner.CopyBatchTo(further);
            }

            for (int sample = 0; sample < samples; sample++)
            {
                cancellation.ThrowIfCancellationRequested();
                var of = sample == 0 ? runner : further ?? runner;
                long draw = EvaluationBatch.DrawOf(first, batchSize);
                of.FillNoise(options.Seed ^ EvaluationBatch.NoiseKey, draw + sample, dataStep: draw);
                of.Run();
                totals.Add(of, rows, sample);
            }

            segmentation?.Add(runner, first, rows);

            progress?.Invoke(first + rows, source.Count);
        }

        var figures = totals.Finish(options);
        return segmentation?.AddTo(figures) ?? figures;
    }

    /// <summary>Computes one number per image.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="states">Its states, by name.</param>
    /// <param name="source">The images.</param>
    /// <param name="metric">A metric of the evaluation with the role <see cref="MetricRole.PerRow"/>.</param>
    /// <param name="options">How to evaluate; one noise sample is used.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Float32 [N].</returns>
    /// <exception cref="InvalidDataException">The images or the states do not fit the model.</exception>
    public static float[] PerImage(
        TrainingPackage package, IReadOnlyDictionary<string, Tensor> states, ImageSource source, string metric, EvaluatorOptions options, CancellationToken cancellation = default)
    {
        var program = package.Manifest.Evaluate;
        source = program.Labels is null ? source : RelabeledImages.For(source, package.Classes);
        ImageRequirements.RequireFit(package, source);
        using var buffers = new StateBuffers(package, options.Device, []);
        buffers.Load(states);
        using var runner = new ProgramRunner(package, program, buffers, options.Threads);
        var values = new float[source.Count];
        int batchSize = (int)program.Images.Shape[0];
        for (long first = 0; first < source.Count; first += batchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            EvaluationBatch.Fill(runner, program, source, first);
            runner.FillNoise(options.Seed ^ EvaluationBatch.NoiseKey, EvaluationBatch.DrawOf(first, batchSize));
            runner.Run();
            runner.Metric(metric)[..(int)Math.Min(batchSize, source.Count - first)].CopyTo(values.AsSpan((int)first));
        }

        return values;
    }
}
