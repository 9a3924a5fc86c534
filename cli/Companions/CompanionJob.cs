using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Cli.Jobs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Models;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Companions;

/// <summary>
/// The training of a model that accompanies a run's autoencoder, a prior of its codes or a classifier of its images, on the run's images and
/// their classes. It has a folder of its own inside the run's, and is exported beside encoder and decoder. Until it is disposed, no other
/// process may work on it.
/// </summary>
internal sealed class CompanionJob : IDisposable
{
    private readonly RunFolder parent;
    private readonly RunFolder run;
    private readonly CompanionTraining training;
    private readonly ImageData images;
    private readonly IDisposable held;

    private CompanionJob(RunFolder parent, RunFolder run, CompanionTraining training, ImageData images, IDisposable held) =>
        (this.parent, this.run, this.training, this.images, this.held) = (parent, run, training, images, held);

    /// <summary>Begins, or continues where an earlier training stopped.</summary>
    /// <param name="parent">The run of the autoencoder.</param>
    /// <param name="name">The name of the companion's folder.</param>
    /// <param name="options">Everything that is asked for.</param>
    /// <param name="needsClasses">Whether the images must have classes.</param>
    /// <param name="compile">Writes its package into a folder, for images.</param>
    /// <exception cref="InvalidDataException">The run's images have no classes, or are too few, or have changed.</exception>
    /// <exception cref="IOException">The folder holds a companion that was asked for with other options, or for other weights; or another process works on it.</exception>
    public static CompanionJob Open<TOptions>(RunFolder parent, string name, TOptions options, bool needsClasses, Action<string, ImageSource> compile) where TOptions : CompanionOptions
    {
        OnnxDevice.Parse(options.Training.Device);
        var images = parent.ReadOptions<TrainOptions>().OpenTheSameImages();
        if (needsClasses)
        {
            BatchPipeline.RequireLabels(images.Train);
        }

        BatchPipeline.RequireBatch(images.Train, options.Training.Batch);
        if (!images.Test.Classes.SequenceEqual(images.Train.Classes))
        {
            throw new InvalidDataException("The test images have other classes than the training images, or none: give both the same.");
        }

        var run = new RunFolder(Path.Combine(parent.Path, name));
        var held = run.Lock();
        try
        {
            if (run.HoldsRun && run.HasCheckpoint)
            {
                RequireSame(run, parent, options, images.Train.Classes);
            }
            else
            {
                run.Discard();
                using var seeded = Initialization.UseSeed(options.Training.Seed);
                ProgressDisplay.While("Compiling", () =>
                {
                    compile(run.Package, images.Train);
                    return true;
                });
                run.WriteOptions(options);
            }

            return new CompanionJob(parent, run, options.Training, images, held);
        }
        catch
        {
            if (!run.HoldsRun)
            {
                run.Discard();
            }

            held.Dispose();
            throw;
        }
    }

    /// <summary>Trains to the end, evaluates on both splits, exports, and prints the figures.</summary>
    /// <param name="title">What they are headed by.</param>
    /// <param name="isJson">Whether they are printed as one JSON object.</param>
    /// <param name="next">The command to go on with, for the images' classes; null for none.</param>
    /// <param name="besides">Figures that the package's description has, to be printed with them.</param>
    /// <param name="cancellation">Ends training early; a checkpoint is written.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> ReportAsync(string title, bool isJson, Func<IReadOnlyList<string>, string?> next, string[] besides, CancellationToken cancellation)
    {
        if (await RunAsync(cancellation) is not { } figures)
        {
            return ExitCode.Interrupted;
        }

        var package = TrainingPackage.Open(run.Package);
        foreach (string name in besides)
        {
            figures[name] = package.DescribedNumber(name);
        }

        if (isJson)
        {
            Console.WriteLine(figures.ToJsonString());
            return 0;
        }

        FiguresTable.Print(title, figures);
        Console.WriteLine($"Report    {run.Report}");
        if (next(images.Train.Classes) is { } command)
        {
            Console.WriteLine($"Next      {command}");
        }

        return 0;
    }

    public void Dispose() => held.Dispose();

    private static void RequireSame<TOptions>(RunFolder run, RunFolder parent, TOptions options, IReadOnlyList<string> classes) where TOptions : CompanionOptions
    {
        if (options.FirstDifference(run.ReadOptions<TOptions>()) is var (option, given, before))
        {
            throw new IOException($"{option} is {given}, but '{run.Path}' was started with {before}: give the same options to continue, or delete the folder to start over.");
        }

        var description = TrainingPackage.Open(run.Package).Manifest.Model;
        if (!CompanionPackage.IsForWeights(description, parent))
        {
            throw new IOException($"'{run.Path}' was trained for other weights than the run has now: delete the folder to train it anew.");
        }

        if (!CompanionPackage.IsForClasses(description, classes))
        {
            throw new IOException($"'{run.Path}' was trained for other classes than the run's images have now: put the images back, or delete the folder to train it anew.");
        }
    }

    // The figures on the test split, and what else is known of each image on the training split as trainNAME; null if training was ended.
    private async Task<JsonObject?> RunAsync(CancellationToken cancellation)
    {
        var package = TrainingPackage.Open(run.Package);
        var device = OnnxDevice.Parse(training.Device);
        using (var trainer = Trainer.StartOrResume(package, run, new TrainerOptions(
            training.Steps, training.Seed, device, training.Threads, training.LogEvery, training.CheckpointEvery)))
        {
            Checkpoints.ReportDamaged(trainer.DamagedCheckpoints, trainer.Step);
            await ProgressDisplay.RunAsync("Training", report => trainer.TrainAsync(
                images.Train,
                progress => report(progress.Step, progress.Steps, string.Create(CultureInfo.InvariantCulture, $"loss {progress.Loss:0.000}")),
                cancellation: cancellation));
            if (trainer.Step < training.Steps)
            {
                Console.Error.WriteLine($"Stopped at step {trainer.Step} of {training.Steps}; a checkpoint is written. Continue with the same command.");
                return null;
            }
        }

        if (!CompanionPackage.IsForWeights(package.Manifest.Model, parent))
        {
            throw new IOException($"The weights of '{parent.Path}' have changed while '{run.Path}' was trained for them: delete this folder to train it anew.");
        }

        var states = Checkpoints.LoadNewest(run, package).States;
        foreach (var (role, file) in package.Manifest.Deployables)
        {
            package.ReadDeployable(role).Bake(states).Save(Path.Combine(parent.Export, file));
        }

        var test = Evaluate(images.Test);
        test.Save(run.Evaluation);
        RunReport.Write(run, package.Manifest, test, "test");
        var figures = test.ToJson();
        foreach (var (name, value) in Evaluate(new SomeImages(images.Train, images.Test.Count, training.Seed)).Further)
        {
            figures[$"train{char.ToUpperInvariant(name[0])}{name[1..]}"] = value;
        }

        return figures;

        EvaluationFigures Evaluate(ImageSource images) => ProgressDisplay.Run("Evaluating", report => Evaluator.Evaluate(
            package, states, images, new EvaluatorOptions(0, training.Seed, device, training.Threads), (done, total) => report(done, total), cancellation));
    }
}
