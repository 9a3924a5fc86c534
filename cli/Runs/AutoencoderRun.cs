using System.Text.Json.Nodes;
using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>The training of an autoencoder, from the options to the report.</summary>
internal sealed class AutoencoderRun : IDisposable
{
    private readonly TrainingRun run;
    private readonly RunOptions options;
    private readonly ImageData images;

    private AutoencoderRun(TrainingRun run, RunOptions options, ImageData images) => (this.run, this.options, this.images) = (run, options, images);

    /// <summary>The run's folder.</summary>
    public RunFolder Folder => run.Folder;

    /// <summary>Its images, and what the model is conditional on.</summary>
    public DataOptions Data => options.Data;

    /// <summary>Starts a run: compiles its package, or uses a compiled one.</summary>
    /// <param name="folder">The run's folder, new or empty.</param>
    /// <param name="options">The options of the run.</param>
    /// <exception cref="IOException">The folder is not empty, or another process works on it.</exception>
    public static AutoencoderRun Start(string folder, RunOptions options)
    {
        options.Execution.RequireDevice();
        OutputFolder.RequireNew(new RunFolder(folder));
        var images = options.Data.Open(options.Seed);
        options.Logging.RequireFit(images);
        options = options with { TrainingImages = images.Train.Count, TestImages = images.Test.Count };
        var compile = Compilation(options, images.Train);
        if (images.Test.Count == 0)
        {
            throw new InvalidDataException($"'{options.Data.Data}' has {images.Train.Count} training images and none to evaluate the model on: give at least two, or a test split.");
        }

        if (options.Mixture > images.Train.Count)
        {
            throw new UsageException($"--mixture is {options.Mixture}, but there are {images.Train.Count} training images to fit it to: give fewer Gaussians.");
        }

        return new AutoencoderRun(TrainingRun.Start(new RunFolder(folder), options, compile), options, images);
    }

    /// <summary>Resumes a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="given">The options of the command that resumes it; only those that may change are used.</param>
    /// <param name="names">The options that the command gave, by their names on the command line.</param>
    /// <param name="check">Compares the run's options with those given now.</param>
    /// <exception cref="InvalidDataException">The data have changed.</exception>
    public static AutoencoderRun Resume(string folder, RunOptions given, IEnumerable<string> names, Action<RunOptions> check)
    {
        RunOptions? options = null;
        ImageData? images = null;
        var run = TrainingRun.Resume<RunOptions>(new RunFolder(folder), stored =>
        {
            check(stored);
            var before = stored with { Length = stored.Length with { }, Logging = stored.Logging with { }, Execution = stored.Execution with { } };
            OptionRecord.Copy(Changed(names), given, stored);
            (options, images) = (stored, stored.OpenTheSameImages());
            stored.Logging.RequireFit(images);
            if (stored.Length != before.Length)
            {
                GoOn(new RunFolder(folder), before, stored.Length, images.Train);
            }

            return package => Compilation(stored, images.Train)(package);
        });
        return new AutoencoderRun(run, options!, images!);
    }

    /// <summary>Trains to the end, evaluates, exports and reports.</summary>
    /// <param name="cancellation">Stops training early; a checkpoint is written.</param>
    /// <returns>The metrics on the test split; null if training was stopped.</returns>
    public async Task<EvaluationFigures?> RunAsync(CancellationToken cancellation)
    {
        long steps = options.Length.StepsFor(images.Train, (int)run.Package.Manifest.Step.Images.Shape[0]);
        Announce(steps);
        var grids = new SampleGrids(run.Package, images.Test, options.Seed, options.Execution.ParseDevice(), options.Execution.Threads);
        string continuation = $"Continue with: onnxvae train --resume --out {NextCommand.Quoted(run.Folder.Path)}";
        if (await RunDisplay.TrainAsync(run, options.Logging.ToTrainerOptions(steps, options.Seed, options.Execution), images.Train, images.Validation, grids, "0.00", continuation, cancellation) is not { } states)
        {
            return null;
        }

        run.Export(states);
        if (options.Mixture > 0)
        {
            var fitted = LatentMixture.Fit(run.Package, states, images.Train, options.Mixture, LatentMixture.UsualImages, options.Seed, cancellation);
            fitted.Save(run.Folder.Mixture, states);
            var mixture = fitted.ToModel(run.Package, states);
            mixture.Save(Path.Combine(run.Folder.Export, ExportedFiles.Mixture));
            grids.WriteMixture(run.Folder.Samples, steps, states, mixture);
        }

        return RunDisplay.Evaluate(progress => run.Finish(
            states, images.Test, "test", EvaluationSettings.Create(options.ImportanceSamples, options.Seed, options.Execution), progress: progress, cancellation: cancellation));
    }

    public void Dispose() => run.Dispose();

    // The options that a command changes; one of the length's two replaces the other.
    private static IEnumerable<string> Changed(IEnumerable<string> names)
    {
        string[] changed = [.. names.Intersect(RunOptions.ChangeableToGoOn)], length = [.. OptionNames.Of(typeof(LengthOptions))];
        return changed.Intersect(length).Any() ? changed.Union(length) : changed;
    }

    // Stores a new length, and records at which step it changed. What followed from the former one is not valid any more.
    private static void GoOn(RunFolder folder, RunOptions options, LengthOptions length, ImageSource train)
    {
        var changed = options with { Length = length };
        if (!TrainingPackage.IsIn(folder.Package))
        {
            folder.WriteOptions(changed); // nothing has been trained yet
            return;
        }

        var package = TrainingPackage.Open(folder.Package);
        int batch = (int)package.Manifest.Step.Images.Shape[0];
        long done = folder.NewestStep, steps = length.StepsFor(train, batch), former = options.Length.StepsFor(train, batch);
        if (steps == former)
        {
            return;
        }

        if (package.Manifest.Training.ContainsKey("steps"))
        {
            throw new UsageException($"The run's schedules were compiled for {former} steps, and cannot go on to {steps}: leave the length out to resume, or start a new run in another folder.");
        }

        if (steps < done)
        {
            throw new UsageException($"The run has done {done} steps, but is to have {steps}: give more.");
        }

        File.Delete(folder.Evaluation);
        File.Delete(folder.Report);
        MetricsLog.Append(folder.Metrics, new JsonObject { ["step"] = done, [MetricsLog.Changed] = $"steps {former} -> {steps}" });
        folder.WriteOptions(changed);
    }

    private void Announce(long steps)
    {
        var train = images.Train;
        var manifest = run.Package.Manifest;
        string validation = images.Validation is { } split ? $", {split.Count} for validation" : ", none for validation (--validation 0.1 holds some out)";
        string classes = train.Classes.Count switch
        {
            0 => "no classes",
            <= 10 => $"classes {string.Join(", ", train.Classes.Select(TerminalWriter.CleanName))}",
            var count => $"{count} classes",
        };
        Console.Error.WriteLine($"Data      {options.Data.Data}: {train.Count} images for training, {images.Test.Count} for testing{validation}; {train.Channels} x {train.Height} x {train.Width} (channels, height, width), {classes}");
        Console.Error.WriteLine($"Model     {options.Model?.Model ?? options.Package}: {manifest.Model["parameters"]} parameters, {manifest.Model["latents"]} latents; {manifest.Model["objective"]}");
        Console.Error.WriteLine($"Training  {steps} steps of {manifest.Step.Images.Shape[0]} images on {options.Execution.Device}, into {TerminalWriter.CleanName(run.Folder.Path)}");
    }

    // Writes the run's package: compiles it, or copies a compiled one.
    private static Action<string> Compilation(RunOptions options, ImageSource train)
    {
        if (options.Package is { } path)
        {
            var compiled = OpenPackage(path, train, options);
            ImageRequirements.RequireBatch(train, compiled.Manifest.Step.Images.Shape[0]);
            return folder => compiled.CopyTo(folder);
        }

        ImageRequirements.RequireBatch(train, options.Model!.Batch);
        return folder => ProgressDisplay.While("Compiling", () => ModelBuilder.Write(
            folder, options.Model, options.Data.Condition, train, options.Seed, options.Length.StepsFor(train, options.Model.Batch), options.Execution.ParseDevice().Provider));
    }

    private static TrainingPackage OpenPackage(string path, ImageSource train, RunOptions options)
    {
        var package = TrainingPackage.Open(path);
        if (options.Mixture > 0)
        {
            LatentMixture.RequireFit(package);
        }

        var step = package.Manifest.Step;
        ImageRequirements.RequireFit(step, train);
        long steps = options.Length.StepsFor(train, (int)step.Images.Shape[0]);
        return package.Manifest.Training.ContainsKey("steps") && package.DescribedNumber("steps") is var compiled && compiled != steps
            ? throw new UsageException($"The package's schedules were compiled for {compiled} steps, but this run has {steps}: give --steps {compiled}, or compile again.")
            : package;
    }
}
