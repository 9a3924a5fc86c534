using System.Diagnostics;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runs;

namespace OnnxVae.Benchmarks;

/// <summary>Training as users run it, with data, log and checkpoints.</summary>
/// <param name="Name">The model.</param>
/// <param name="Data">The images.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="MillisecondsPerStep">Wall time per step.</param>
/// <param name="ComputingShare">Part of the wall time in which ONNX Runtime was computing.</param>
public sealed record EpochResult(string Name, string Data, long Steps, double MillisecondsPerStep, double ComputingShare);

/// <summary>How much of an epoch's wall time the runtime computes.</summary>
internal static class EpochBenchmark
{
    private const int CheckpointEvery = 500;
    private const long MostSteps = 1200;

    /// <summary>Trains a model for an epoch of the images, 1,200 steps at most, with a checkpoint every 500 steps.</summary>
    public static async Task<EpochResult> RunAsync(BenchmarkModel model, string data, int threads)
    {
        var folder = Directory.CreateTempSubdirectory("onnxvae-epoch-");
        try
        {
            var images = ImageData.Open(data, new ImageOptions()).Train;
            using var vae = model.Build();
            var package = model.Compiler(vae).Write(Path.Combine(folder.FullName, "package"));
            long steps = Math.Min(BatchPipeline.StepsPerEpoch(images, model.Batch), MostSteps);
            using var trainer = Trainer.Start(
                package, new RunFolder(Path.Combine(folder.FullName, "run")), new TrainerOptions { Steps = steps, Seed = 1, Device = OnnxDevice.Cpu, Threads = threads, CheckpointEvery = CheckpointEvery });
            var time = Stopwatch.StartNew();
            await trainer.TrainAsync(images).ConfigureAwait(false);
            return new EpochResult(model.Name, data, steps, time.Elapsed.TotalMilliseconds / steps, trainer.ComputingTime / time.Elapsed);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
