using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Evaluation;

/// <summary>Evaluates a validation split with states that are being trained, where they are; it changes none of them.</summary>
internal sealed class Validation : IDisposable
{
    private const int MostImages = 2000; // the same ones each time: more would cost much of the training's time

    private readonly ProgramSpec program;
    private readonly ProgramRunner runner;
    private readonly ImageSource images;
    private readonly MetricSpec[] metrics;
    private readonly double beta;
    private readonly ulong seed;

    /// <param name="package">The model.</param>
    /// <param name="states">The states that are being trained.</param>
    /// <param name="images">The images.</param>
    /// <param name="lastStep">The last step, whose beta counts.</param>
    /// <param name="seed">Random seed of the noise, and of which images are taken if there are many.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <exception cref="InvalidDataException">The images do not fit the model, or there are none.</exception>
    public Validation(TrainingPackage package, StateBuffers states, ImageSource images, long lastStep, ulong seed, int threads)
    {
        (program, this.seed) = (package.Manifest.Evaluate, seed);
        images = program.Labels is null ? images : RelabeledImages.For(images, package.Classes);
        ImageRequirements.RequireFit(package, images);
        this.images = images.Count > MostImages ? images.Sample(MostImages, seed) : images.Count > 0 ? images : throw new InvalidDataException("There are no images to validate on: the split is empty.");
        metrics = [.. program.Metrics.Where(metric => metric.Role == MetricRole.PerRow)];
        beta = BetaAt(package, lastStep);
        runner = new ProgramRunner(package, program, states, threads);
    }

    /// <summary>The weight of the rate at a step; 1 for a model without one.</summary>
    public static double BetaAt(TrainingPackage package, long step) =>
        package.Manifest.Step.Inputs.FirstOrDefault(input => input is { Role: InputRole.Schedule, Name: "beta" })?.Schedule!.At(step) ?? 1;

    /// <summary>Whether the model has a figure.</summary>
    public bool Has(ValidationFigure figure) => ValidationFigures.Of([.. metrics.Select(metric => (metric.Name, 0.0))], beta).ValueOf(figure) is not null;

    /// <summary>Computes the figures of the current states.</summary>
    public ValidationFigures Run()
    {
        double[] sums = new double[metrics.Length];
        int batchSize = (int)program.Images.Shape[0];
        for (long first = 0; first < images.Count; first += batchSize)
        {
            int rows = (int)Math.Min(batchSize, images.Count - first);
            EvaluationBatch.Fill(runner, program, images, first);
            runner.FillNoise(seed ^ EvaluationBatch.NoiseKey, EvaluationBatch.DrawOf(first, batchSize));
            runner.Run();
            for (int i = 0; i < metrics.Length; i++)
            {
                foreach (float value in runner.Metric(metrics[i].Name)[..rows])
                {
                    sums[i] += value;
                }
            }
        }

        return ValidationFigures.Of([.. metrics.Zip(sums, (metric, sum) => (metric.Name, sum / images.Count))], beta);
    }

    /// <inheritdoc/>
    public void Dispose() => runner.Dispose();
}
