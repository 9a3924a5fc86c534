using System.Diagnostics;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Runs;

namespace OnnxVae.Benchmarks;

/// <summary>Training with validation images and without, in turn; medians.</summary>
/// <param name="Name">The model.</param>
/// <param name="Steps">Steps of a run.</param>
/// <param name="PlainStepsPerSecond">Steps per second without validation.</param>
/// <param name="ValidatedStepsPerSecond">Steps per second with validation, without the time of the evaluations themselves.</param>
/// <param name="ValidationShare">That time, as a share of the run's.</param>
public sealed record ValidatedTraining(string Name, long Steps, double PlainStepsPerSecond, double ValidatedStepsPerSecond, double ValidationShare)
{
    /// <summary>How much of the speed is left.</summary>
    public double Ratio => ValidatedStepsPerSecond / PlainStepsPerSecond;
}

/// <summary>What validation costs besides the evaluations: turns of sessions, and best checkpoints, which are written while training goes on.</summary>
internal static class ValidationBenchmark
{
    private const double Seconds = 45; // of a run, about
    private const int Evaluations = 3; // of a run; with twenty, as usual, it would take five minutes
    private const int TrainingImages = 8192, ValidationImages = 512;

    /// <summary>Trains models on random pixels, which are in memory.</summary>
    public static IEnumerable<ValidatedTraining> Run(IEnumerable<BenchmarkModel> models, int threads, int blocks)
    {
        var folder = Directory.CreateTempSubdirectory("onnxvae-validation-");
        try
        {
            foreach (var model in models)
            {
                var (train, validation) = (new RandomImages(model.Image, TrainingImages, seed: 1), new RandomImages(model.Image, ValidationImages, seed: 2));
                using var vae = model.Build();
                var package = model.Compiler(vae).Write(Path.Combine(folder.FullName, $"{model.Name}"));
                long steps = (long)(100 / Train(folder, package, train, validation: null, 100, threads).Seconds * Seconds);
                var runs = Enumerable.Range(0, 2 * blocks).Select(i => Train(folder, package, train, i % 2 == 1 ? validation : null, steps, threads)).ToArray();
                var (plain, validated) = (runs.Where((_, i) => i % 2 == 0).ToArray(), runs.Where((_, i) => i % 2 == 1).ToArray());
                yield return new ValidatedTraining(
                    model.Name, steps, Stopwatches.Median(plain.Select(run => steps / run.Seconds)), Stopwatches.Median(validated.Select(run => steps / run.Seconds)), Stopwatches.Median(validated.Select(run => run.Share)));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (double Seconds, double Share) Train(DirectoryInfo folder, TrainingPackage package, RandomImages train, RandomImages? validation, long steps, int threads)
    {
        var run = folder.CreateSubdirectory(Path.GetRandomFileName());
        using var trainer = Trainer.Start(package, new RunFolder(run.FullName), new TrainerOptions { Steps = steps, Seed = 1, Device = OnnxDevice.Cpu, Threads = threads, ValidateEvery = (int)Math.Max(1, steps / Evaluations) });
        var time = Stopwatch.StartNew();
        trainer.TrainAsync(train, validation).GetAwaiter().GetResult();
        var elapsed = time.Elapsed;
        run.Delete(recursive: true);
        return ((elapsed - trainer.ValidationTime).TotalSeconds, trainer.ValidationTime / elapsed);
    }
}
