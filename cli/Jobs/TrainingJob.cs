using System.Globalization;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Cli.Jobs;

/// <summary>A training run from the options to the report.</summary>
/// <param name="Run">The run's folder.</param>
/// <param name="Options">What was asked for.</param>
/// <param name="Images">The data.</param>
internal sealed record TrainingJob(RunFolder Run, TrainOptions Options, ImageData Images)
{
    /// <summary>Begins a run: compiles its package, or takes a compiled one.</summary>
    /// <param name="folder">The run's folder, new or empty.</param>
    /// <param name="options">What was asked for.</param>
    public static TrainingJob Start(string folder, TrainOptions options)
    {
        var run = new RunFolder(folder);
        OnnxDevice.Parse(options.Device);
        var images = ImageData.Open(options.Data, options.ImageOptions);
        options = options with { TrainingImages = images.Train.Count, TestImages = images.Test.Count };
        var compiled = options.Package is { } path ? OpenPackage(path, images.Train, options) : null;
        BatchPipeline.RequireBatch(images.Train, options.Model?.Batch ?? compiled!.Manifest.Step.Images.Shape[0]);
        OutputFolder.RequireNew(folder, run.HoldsRun
            ? "it holds a run; give --resume to continue it, or another --out."
            : "give another --out, or empty it.");
        try
        {
            WritePackage(run.Package, compiled, options, images.Train);
        }
        catch
        {
            Directory.Delete(folder, recursive: true); // It was made or empty a moment ago.
            throw;
        }

        run.WriteOptions(options);
        return new TrainingJob(run, options, images);
    }

    /// <summary>Continues a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="check">Compares the run's options with those given now.</param>
    /// <exception cref="InvalidDataException">The data have changed.</exception>
    public static TrainingJob Resume(string folder, Func<TrainOptions, TrainOptions> check)
    {
        var run = RunFolder.Open(folder);
        var options = check(run.ReadOptions<TrainOptions>());
        return new TrainingJob(run, options, options.OpenTheSameImages());
    }

    /// <summary>Trains to the end, evaluates, exports and reports.</summary>
    /// <param name="cancellation">Ends training early; a checkpoint is written.</param>
    /// <returns>The figures on the test split; null if training was ended.</returns>
    public async Task<EvaluationFigures?> RunAsync(CancellationToken cancellation)
    {
        using var held = Run.Lock();
        var package = TrainingPackage.Open(Run.Package);
        var device = OnnxDevice.Parse(Options.Device);
        long steps = Options.StepsFor(Images.Train, (int)package.Manifest.Step.Images.Shape[0]);
        var grids = new SampleGrids(package, Images.Test, Options.Seed, device, Options.Threads);
        long step;
        using (var trainer = Trainer.Resume(package, Run, new TrainerOptions(
            steps, Options.Seed, device, Options.Threads, Options.LogEvery, Options.CheckpointEvery)))
        {
            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                Images.Train,
                progress => report(progress.Step, progress.Steps, float.IsNaN(progress.Loss) ? "" : string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:0.00}")),
                checkpoint => grids.Write(Run.Samples, checkpoint.Step, checkpoint.States),
                cancellation));
            step = trainer.Step;
        }

        if (step < steps)
        {
            Console.Error.WriteLine($"Stopped at step {step} of {steps}; a checkpoint is written. Continue with: onnxvae train --resume --out {Run.Path}");
            return null;
        }

        var states = Checkpoint.Load(Run.NewestCheckpoint(), package.Fingerprint).States;
        RunExport.Write(package, states, Run.Export);
        var figures = ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, Images.Test, new EvaluatorOptions(Options.ImportanceSamples, Options.Seed, device, Options.Threads),
            (done, total) => report(done, total), cancellation));
        figures.Save(Run.Evaluation);
        RunReport.Write(Run, package.Manifest, figures, "test");
        return figures;
    }

    private static void WritePackage(string folder, TrainingPackage? compiled, TrainOptions options, ImageSource train)
    {
        if (compiled is not null)
        {
            compiled.CopyTo(folder);
            return;
        }

        ModelCompilation.Write(folder, options.Model!, train, options.Seed, options.StepsFor(train, options.Model!.Batch), OnnxDevice.Parse(options.Device).Provider);
    }

    private static TrainingPackage OpenPackage(string path, ImageSource train, TrainOptions options)
    {
        var package = TrainingPackage.Open(path);
        var step = package.Manifest.Step;
        BatchPipeline.RequireFit(step, train);
        long steps = options.StepsFor(train, (int)step.Images.Shape[0]);
        return package.Manifest.Model[ModelCompilation.StepsEntry] is { } compiled && (long)compiled != steps
            ? throw new UsageException($"The package's schedules were compiled for {compiled} steps, but this run has {steps}: give --steps {compiled}, or compile again.")
            : package;
    }
}
