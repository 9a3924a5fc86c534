using System.Globalization;
using MathNet.Numerics.LinearAlgebra;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Models.Exact;
using OnnxVae.Training.Data;

namespace OnnxVae.Cli.Verbs.Em;

/// <summary>Fits probabilistic PCA by expectation maximization, the exact-posterior special case of a VAE.</summary>
[Verb("em", VerbTopic.Look, "Fits a linear VAE by EM, and compares it with the closed form.",
    Details = "Probabilistic PCA: with the exact posterior as Q the negative ELBO, rate + distortion, is -ln P(y) itself, and never rises from step to step.", Example = "em --data sprites --image-size 16 --latent 5")]
internal sealed class EmVerb : LongVerb<EmOptions>
{
    private const double LeastShare = 1e-12; // of all variance, for the rest to be more than rounding

    protected override Task<int> RunAsync(EmOptions options, CancellationToken cancellation)
    {
        var train = options.Data.Open(options.Seed).Train;
        if (train.ImageSize > ImageMoments.MostDimensions)
        {
            throw new UsageException($"The images have {train.ImageSize} values, and this is for at most {ImageMoments.MostDimensions}: give a smaller --image-size, or --channels 1.");
        }

        if (train.Table is { } table && (table.Columns.Any(column => column.Kind != ColumnKind.Number) || ValueStatistics.Of(train).StartsOfIncompleteColumns.Count > 0))
        {
            throw new InvalidDataException($"'{options.Data.Data}' has categories or missing values, and this is for whole vectors of numbers: leave such columns out with --column-types, or train a model.");
        }

        var images = train.Sample(options.Images, options.Seed);
        var (mean, covariance) = ProgressDisplay.While("Computing the covariance", () => ImageMoments.Of(images, cancellation));
        var exact = ProbabilisticPca.Fit(mean, covariance, options.Latent);
        if (!(exact.Variance > LeastShare * covariance.Trace()))
        {
            throw new InvalidDataException($"{options.Latent} latents leave no variance of these {images.Count} images: give fewer --latent, or more and more different images.");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"step",6}{"-ln P(y)",14}{"rate",12}{"distortion",14}{"sigma",10}"));
        int step = 0;
        ProbabilisticPca.FitByExpectationMaximization(mean, covariance, options.Latent, options.Steps, unchecked((int)options.Seed), model =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (++step is 1 or 2 or 5 || step % 10 == 0 || step == options.Steps)
            {
                Print($"{step}", model, mean, covariance);
            }
        });
        Print("exact", exact, mean, covariance);
        return Task.FromResult(ExitCode.Done);
    }

    private static void Print(string step, ProbabilisticPca model, Vector<double> mean, Matrix<double> covariance)
    {
        var point = model.ExactPosterior(covariance);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{step,6}{model.NegativeLogLikelihood(mean, covariance),14:0.0000}{point.Rate,12:0.0000}{point.Distortion,14:0.0000}{Math.Sqrt(model.Variance),10:0.0000}"));
    }
}
