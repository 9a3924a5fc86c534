using System.Text.Json.Nodes;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Models;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>
/// The training of an auxiliary model, a prior over an autoencoder's codes or a classifier of its images, on the run's images and their classes. It has
/// its own folder inside the run's, and is exported next to encoder and decoder.
/// </summary>
internal sealed class AuxiliaryRun : IDisposable
{
    private readonly RunFolder autoencoder;
    private readonly TrainingRun run;
    private readonly AuxiliaryTraining training;
    private readonly ImageData images;
    private readonly Ranks ranks;
    private readonly Action<string> compile;

    private AuxiliaryRun(RunFolder autoencoder, TrainingRun run, AuxiliaryTraining training, ImageData images, Ranks ranks, Action<string> compile) =>
        (this.autoencoder, this.run, this.training, this.images, this.ranks, this.compile) = (autoencoder, run, training, images, ranks, compile);

    /// <summary>Starts the training, or continues where an earlier one stopped.</summary>
    /// <param name="autoencoder">The run of the autoencoder.</param>
    /// <param name="name">The name of the auxiliary model's folder.</param>
    /// <param name="options">All options, with the batch size filled in.</param>
    /// <param name="ranks">The processes that train.</param>
    /// <param name="needsClasses">Whether the images must have classes.</param>
    /// <param name="compile">Writes its package into a folder, for given images.</param>
    /// <exception cref="InvalidDataException">The run's images have no classes, are too few, or have changed.</exception>
    /// <exception cref="UsageException">The folder holds a model with other options.</exception>
    /// <exception cref="IOException">The folder holds a model for other weights, or another process works on it.</exception>
    public static AuxiliaryRun Open<TOptions>(RunFolder autoencoder, string name, TOptions options, Ranks ranks, bool needsClasses, Func<string, ImageSource, TrainingPackage> compile) where TOptions : AuxiliaryOptions, IRunOptions
    {
        options.Training.Execution.RequireDevice();
        var images = autoencoder.ReadOptions<RunOptions>().OpenTheSameImages();
        options.Training.Logging.RequireFit(images);
        if (needsClasses)
        {
            ImageRequirements.RequireLabels(images.Train);
        }

        ImageRequirements.RequireBatch(images.Train, (long)options.Training.Batch!.Value * options.Training.Accumulate);
        if (!images.Test.Classes.SequenceEqual(images.Train.Classes))
        {
            throw new InvalidDataException("The test images have other classes than the training images, or none: give both the same.");
        }

        var folder = new RunFolder(Path.Combine(autoencoder.Path, name));
        var run = TrainingRun.StartOrResume(
            folder,
            options,
            (stored, package) =>
            {
                RequireSameOptions(folder, options, stored);
                RequireSameOrigin(folder, package, autoencoder, images.Train.Classes);
                Record(folder, options, stored);
            },
            package =>
            {
                ConfigFile.Write(folder.Config, OptionRecord.ValuesToGive(options));
                Compile(package);
            });
        return new AuxiliaryRun(autoencoder, run, options.Training, images, ranks, Compile);

        void Compile(string package)
        {
            using var seeded = Initialization.UseSeed(options.Training.Seed);
            ProgressDisplay.While("Compiling", () => compile(package, images.Train));
        }
    }

    /// <summary>Trains to the end, evaluates on both splits, exports, and prints the metrics.</summary>
    /// <param name="title">The heading of the metrics.</param>
    /// <param name="isJson">Whether they are printed as one JSON object.</param>
    /// <param name="next">The suggested next command, given the images' classes; null for none.</param>
    /// <param name="described">Entries of the package's description to be printed with the metrics.</param>
    /// <param name="cancellation">Stops training early; a checkpoint is written.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> ReportAsync(string title, bool isJson, Func<IReadOnlyList<string>, string?> next, string[] described, CancellationToken cancellation)
    {
        if (await RunAsync(cancellation) is not { } figures)
        {
            return ExitCode.Interrupted;
        }

        foreach (string name in described)
        {
            figures[name] = run.Package.DescribedNumber(name);
        }

        if (isJson)
        {
            Console.WriteLine(figures.ToJsonString());
            return ExitCode.Done;
        }

        FiguresTable.Print(title, figures);
        Console.WriteLine($"Report    {run.Folder.Report}");
        if (next(images.Train.Classes) is { } command)
        {
            NextCommand.Print(command);
        }

        return ExitCode.Done;
    }

    public void Dispose() => run.Dispose();

    private RankTask ToTask() => new()
    {
        Images = autoencoder.ReadOptions<RunOptions>(),
        Package = Path.GetFullPath(run.Folder.Package),
        Fingerprint = run.Package.Fingerprint,
        Steps = training.Steps,
        Seed = training.Seed,
        Accumulate = training.Accumulate,
        Logging = training.Logging,
        Execution = training.Execution,
        Augmentation = new AugmentationOptions(),
    };

    private static void RequireSameOptions<TOptions>(RunFolder folder, TOptions options, TOptions stored)
    {
        if (StoredOptions.Differences(StoredOptions.Flatten(options), StoredOptions.Flatten(stored), except: RunOptions.Changeable.Select(OptionNames.InFile)).FirstOrDefault() is { } difference)
        {
            throw new UsageException(
                $"{OptionNames.OfProperty(difference.Name)} is {Text(difference.Here)}, but '{folder.Path}' was started with {Text(difference.There)}: give the same options to continue, or delete the folder to start over.");
        }

        static string Text(JsonNode? value) => value?.ToString() ?? "not given";
    }

    private static void Record<TOptions>(RunFolder folder, TOptions options, TOptions stored) where TOptions : IRunOptions
    {
        if (RunChanges.Describe(stored, options) is { Length: > 0 } text)
        {
            folder.WriteOptions(options);
            RunChanges.WriteToLog(folder.Metrics, [new RunChange(folder.NewestStep, text)]);
        }
    }

    private static void RequireSameOrigin(RunFolder folder, TrainingPackage package, RunFolder autoencoder, IReadOnlyList<string> classes)
    {
        if (!AuxiliaryModel.IsForWeights(package, autoencoder))
        {
            throw new IOException($"'{folder.Path}' was trained for different weights than the run's current ones: delete the folder to retrain it.");
        }

        if (!AuxiliaryModel.IsForClasses(package, classes))
        {
            throw new IOException($"'{folder.Path}' was trained for other classes than the run's images have now: put the images back, or delete the folder to train it anew.");
        }
    }

    // The metrics on the test split, and the other per-image metrics on the training split as trainNAME; null if training was stopped.
    private async Task<JsonObject?> RunAsync(CancellationToken cancellation)
    {
        CompiledParts.Require(run, training.Accumulate, ranks, compile);
        if (await RunDisplay.TrainAsync(run, ToTask(), ranks, images.Train, images.Validation, grids: null, "0.000", "Continue with the same command.", cancellation) is not { } kept)
        {
            return null;
        }

        if (!AuxiliaryModel.IsForWeights(run.Package, autoencoder))
        {
            throw new IOException($"The weights of '{autoencoder.Path}' changed while '{run.Folder.Path}' was being trained for them: delete the latter to retrain it.");
        }

        var options = EvaluationSettings.Create(importanceSamples: 0, training.Seed, training.Execution);
        AuxiliaryModel.Export(run.Package, kept.States, autoencoder);
        var figures = RunDisplay.Evaluate(progress => run.Finish(kept, images.Test, "test", options, autoencoder.ReadOptions<RunOptions>().Data.Data, progress, cancellation)).ToJson();
        var onTraining = RunDisplay.Evaluate(progress => Evaluator.Evaluate(
            run.Package, kept.States, images.Train.Sample(images.Test.Count, training.Seed), options, progress, cancellation));
        foreach (var (name, value) in onTraining.Further)
        {
            figures[$"train{char.ToUpperInvariant(name[0])}{name[1..]}"] = value;
        }

        return figures;
    }
}
