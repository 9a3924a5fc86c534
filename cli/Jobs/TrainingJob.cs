using System.Globalization;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Jobs;

/// <summary>A training run from the options to the report. Until it is disposed, no other process may work on it.</summary>
internal sealed class TrainingJob : IDisposable
{
    private readonly IDisposable held;

    private TrainingJob(RunFolder run, TrainOptions options, ImageData images, IDisposable held) =>
        (Run, Options, Images, this.held) = (run, options, images, held);

    /// <summary>The run's folder.</summary>
    public RunFolder Run { get; }

    private TrainOptions Options { get; }

    private ImageData Images { get; }

    /// <summary>Begins a run: compiles its package, or takes a compiled one.</summary>
    /// <param name="folder">The run's folder, new or empty.</param>
    /// <param name="options">What was asked for.</param>
    /// <exception cref="IOException">The folder holds something, or another process works on it.</exception>
    public static TrainingJob Start(string folder, TrainOptions options)
    {
        var run = new RunFolder(folder);
        OnnxDevice.Parse(options.Device);
        RequireEmpty(run);
        var images = DataOpening.Open(options.Data, options.ImageOptions);
        options = options with { TrainingImages = images.Train.Count, TestImages = images.Test.Count };
        var compiled = options.Package is { } path ? OpenPackage(path, images.Train, options) : null;
        BatchPipeline.RequireBatch(images.Train, options.Model?.Batch ?? compiled!.Manifest.Step.Images.Shape[0]);
        if (images.Test.Count == 0)
        {
            throw new InvalidDataException($"'{options.Data}' has {images.Train.Count} training images and none to evaluate the model on: give at least two, or a test split.");
        }

        bool isNew = !Directory.Exists(folder);
        var held = run.Lock();
        try
        {
            RequireEmpty(run); // another process may have been faster
        }
        catch
        {
            held.Dispose();
            throw;
        }

        try
        {
            run.WriteOptions(options);
            WritePackage(run.Package, compiled, options, images.Train);
            return new TrainingJob(run, options, images, held);
        }
        catch
        {
            run.Discard(); // which was empty before
            held.Dispose();
            if (isNew && !Directory.EnumerateFileSystemEntries(folder).Any())
            {
                Directory.Delete(folder);
            }

            throw;
        }
    }

    /// <summary>Continues a run. One that was stopped while its package was compiled has it compiled again.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="check">Compares the run's options with those given now.</param>
    /// <exception cref="InvalidDataException">The data have changed.</exception>
    public static TrainingJob Resume(string folder, Func<TrainOptions, TrainOptions> check)
    {
        var run = RunFolder.Open(folder);
        var held = run.Lock();
        try
        {
            var options = check(run.ReadOptions<TrainOptions>());
            var images = options.OpenTheSameImages();
            if (!TrainingPackage.IsIn(run.Package))
            {
                run.DiscardPackage();
                WritePackage(run.Package, options.Package is { } path ? OpenPackage(path, images.Train, options) : null, options, images.Train);
            }

            return new TrainingJob(run, options, images, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Trains to the end, evaluates, exports and reports.</summary>
    /// <param name="cancellation">Ends training early; a checkpoint is written.</param>
    /// <returns>The figures on the test split; null if training was ended.</returns>
    public async Task<EvaluationFigures?> RunAsync(CancellationToken cancellation)
    {
        var package = TrainingPackage.Open(Run.Package);
        var device = OnnxDevice.Parse(Options.Device);
        long steps = Options.StepsFor(Images.Train, (int)package.Manifest.Step.Images.Shape[0]);
        Announce(package, steps);
        var grids = new SampleGrids(package, Images.Test, Options.Seed, device, Options.Threads);
        long step;
        using (var trainer = Trainer.StartOrResume(package, Run, new TrainerOptions(
            steps, Options.Seed, device, Options.Threads, Options.LogEvery, Options.CheckpointEvery)))
        {
            Checkpoints.ReportDamaged(trainer.DamagedCheckpoints, trainer.Step);
            if (trainer.Step > 0 && !grids.AreWritten(Run.Samples, trainer.Step))
            {
                grids.Write(Run.Samples, trainer.Step, trainer.Snapshot()); // the run was killed between the checkpoint and its grids
            }

            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                Images.Train,
                progress => report(progress.Step, progress.Steps, string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:0.00}")),
                checkpoint => grids.Write(Run.Samples, checkpoint.Step, checkpoint.States),
                cancellation));
            step = trainer.Step;
        }

        if (step < steps)
        {
            Console.Error.WriteLine($"Stopped at step {step} of {steps}; a checkpoint is written. Continue with: onnxvae train --resume --out {Run.Path}");
            return null;
        }

        var states = Checkpoints.LoadNewest(Run, package).States;
        RunExport.Write(package, states, Run.Export);
        var figures = ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, Images.Test, Evaluation.Options(Options.ImportanceSamples, Options.Seed, device, Options.Threads),
            (done, total) => report(done, total), cancellation));
        figures.Save(Run.Evaluation);
        RunReport.Write(Run, package.Manifest, figures, "test");
        return figures;
    }

    public void Dispose() => held.Dispose();

    private void Announce(TrainingPackage package, long steps)
    {
        var train = Images.Train;
        string validation = Images.Validation is { } split ? $", {split.Count} for validation, which are left alone" : "";
        string classes = train.Classes.Count switch
        {
            0 => "no classes",
            <= 10 => $"classes {string.Join(", ", train.Classes.Select(TerminalWriter.CleanName))}",
            var count => $"{count} classes",
        };
        Console.Error.WriteLine($"Data      {Options.Data}: {train.Count} images for training, {Images.Test.Count} for testing{validation}; {train.Channels} x {train.Height} x {train.Width} (channels, height, width), {classes}");
        Console.Error.WriteLine($"Model     {Options.Model?.Model ?? Options.Package}: {package.Manifest.Model["parameters"]} parameters, {package.Manifest.Model["latents"]} latents; {package.Manifest.Model["objective"]}");
        Console.Error.WriteLine($"Training  {steps} steps of {package.Manifest.Step.Images.Shape[0]} images on {Options.Device}, into {Run.Path}");
    }

    private static void RequireEmpty(RunFolder run)
    {
        if (File.Exists(run.Path))
        {
            throw new IOException($"'{run.Path}' is a file; --out must name a folder.");
        }

        if (!run.IsEmpty)
        {
            throw new IOException($"The folder '{run.Path}' exists and is not empty: {(run.HoldsRun
                ? "it holds a run; give --resume to continue it, or another --out."
                : "give another --out, or empty it.")}");
        }
    }

    private static void WritePackage(string folder, TrainingPackage? compiled, TrainOptions options, ImageSource train)
    {
        if (compiled is not null)
        {
            compiled.CopyTo(folder);
            return;
        }

        ProgressDisplay.While("Compiling", () => ModelCompilation.Write(
            folder, options.Model!, train, options.Seed, options.StepsFor(train, options.Model!.Batch), OnnxDevice.Parse(options.Device).Provider));
    }

    private static TrainingPackage OpenPackage(string path, ImageSource train, TrainOptions options)
    {
        var package = TrainingPackage.Open(path);
        var step = package.Manifest.Step;
        BatchPipeline.RequireFit(step, train);
        long steps = options.StepsFor(train, (int)step.Images.Shape[0]);
        return package.Manifest.Model.ContainsKey(ModelCompilation.StepsEntry) && package.DescribedNumber(ModelCompilation.StepsEntry) is var compiled && compiled != steps
            ? throw new UsageException($"The package's schedules were compiled for {compiled} steps, but this run has {steps}: give --steps {compiled}, or compile again.")
            : package;
    }
}
