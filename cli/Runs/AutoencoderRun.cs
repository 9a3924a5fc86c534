using OnnxVae.Cli.Models;
using OnnxVae.Cli.Options;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Steps;

namespace OnnxVae.Cli.Runs;

/// <summary>The training of an autoencoder, from the options to the report.</summary>
internal sealed class AutoencoderRun : IDisposable
{
    private readonly TrainingRun run;
    private readonly RunOptions options;
    private readonly ImageData images;
    private readonly Ranks ranks;

    private AutoencoderRun(TrainingRun run, RunOptions options, ImageData images, Ranks ranks) => (this.run, this.options, this.images, this.ranks) = (run, options, images, ranks);

    /// <summary>The run's folder.</summary>
    public RunFolder Folder => run.Folder;

    /// <summary>Its images, and what the model is conditional on.</summary>
    public DataOptions Data => options.Data;

    /// <summary>Starts a run: compiles its package, or uses a compiled one.</summary>
    /// <param name="folder">The run's folder, new or empty.</param>
    /// <param name="options">The options of the run.</param>
    /// <param name="ranks">The processes that train.</param>
    /// <exception cref="IOException">The folder is not empty, or another process works on it.</exception>
    public static AutoencoderRun Start(string folder, RunOptions options, Ranks ranks)
    {
        options.Execution.RequireDevice();
        OutputFolder.RequireNew(new RunFolder(folder));
        var compiled = options.Package is { } path ? TrainingPackage.Open(path) : null;
        options = options with { IsReal = compiled is not null ? compiled.TakesRealNumbers : options.Model!.HasSegments ? false : null, Columns = compiled?.Table?.Columns };
        var images = options.OpenImages();
        options.Logging.RequireFit(images);
        options = options with
        {
            Model = options.Model is { } model ? Resolved(model, options.Data, images.Train) : null,
            TrainingImages = images.Train.Count,
            TestImages = images.Test.Count,
            ImagesIdentity = images.Identify(),
        };
        options.Augmentation.ToAugmentation()?.RequireFit(images.Train);
        var compile = Compilation(options, images.Train, ranks);
        if (images.Test.Count == 0)
        {
            throw new InvalidDataException($"'{options.Data.Data}' has {images.Train.Count} training {images.Train.Shape.Noun} and none to evaluate the model on: give at least two, or a test split.");
        }

        if (options.Mixture > images.Train.Count)
        {
            throw new UsageException($"--mixture is {options.Mixture}, but there are {images.Train.Count} training {images.Train.Shape.Noun} to fit it to: give fewer Gaussians.");
        }

        var given = OptionRecord.ValuesToGive(options).ToArray();
        int batch = options.Model?.Batch ?? (int)TrainingPackage.Open(options.Package!).Manifest.Step.Images.Shape[0];
        options = options with { Logging = options.Logging.Resolve(images, options.StepsFor(images.Train, batch)) };
        var run = TrainingRun.Start(new RunFolder(folder), options, package =>
        {
            ConfigFile.Write(new RunFolder(folder).Config, given);
            compile(package);
            options.FineTuning.ApplyTo(TrainingPackage.Open(package));
        });
        return new AutoencoderRun(run, options, images, ranks);
    }

    // With what follows from the images.
    private static ModelOptions Resolved(ModelOptions model, DataOptions data, ImageSource images) => model with
    {
        Model = model.Model ?? Networks.Usual(images.Shape),
        Likelihood = model.HasSegments || images.Table is not null ? model.Likelihood : model.Likelihood ?? Likelihoods.Usual(images.IsUnitRange && data.Scale is null or ScalingNames.None),
    };

    /// <summary>Resumes a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="given">The options of the command that resumes it; only those that may change are used.</param>
    /// <param name="names">The options that the command gave, by their names on the command line.</param>
    /// <param name="ranks">The processes that train.</param>
    /// <param name="check">Compares the run's options with those given now.</param>
    /// <exception cref="InvalidDataException">The data have changed.</exception>
    public static AutoencoderRun Resume(string folder, RunOptions given, IEnumerable<string> names, Ranks ranks, Action<RunOptions> check)
    {
        RunOptions? options = null;
        ImageData? images = null;
        var run = TrainingRun.Resume<RunOptions>(new RunFolder(folder), stored =>
        {
            check(stored);
            var changed = RunChanges.Merge(stored, given, names);
            (options, images) = (changed, changed.OpenTheSameImages());
            changed.Logging.RequireFit(images);
            changed.Execution.RequireDevice();
            if (!File.Exists(new RunFolder(folder).Config))
            {
                ConfigFile.Write(new RunFolder(folder).Config, OptionRecord.ValuesToGive(stored)); // the run was killed when it had just started
            }

            options = RunChanges.Apply(new RunFolder(folder), stored, changed, images.Train);
            return package => Compilation(changed, images.Train, ranks)(package);
        });
        try
        {
            if (run.Folder.ListCheckpoints().Count == 0)
            {
                options!.FineTuning.ApplyTo(run.Package); // it may have been killed between compiling and this
            }

            return new AutoencoderRun(run, options!, images!, ranks);
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Trains to the end, evaluates, exports and reports.</summary>
    /// <param name="cancellation">Stops training early; a checkpoint is written.</param>
    /// <returns>The metrics on the test split; null if training was stopped.</returns>
    public async Task<EvaluationFigures?> RunAsync(CancellationToken cancellation)
    {
        CompiledParts.Require(run, options.Accumulate, ranks, package => Compilation(options, images.Train, ranks)(package));
        long steps = options.StepsFor(images.Train, (int)run.Package.Manifest.Step.Images.Shape[0]);
        Announce(steps);
        var grids = new SampleGrids(run.Package, images.Test, options.Seed, options.Execution.ParseDevice(), options.Execution.Threads);
        run.Started += (_, start) => DiscardResults(goesOn: start.Step < steps);
        string continuation = $"Continue with: onnxvae train --resume --out {NextCommand.Quoted(run.Folder.Path)}";
        if (await RunDisplay.TrainAsync(run, ToTask(steps), ranks, images.Train, images.Validation, grids, "0.00", continuation, cancellation) is not { } kept)
        {
            return null;
        }

        var states = kept.States;
        run.Export(states);
        if (options.Mixture > 0)
        {
            var fitted = LatentMixture.Fit(run.Package, states, images.Train, options.Mixture, LatentMixture.UsualImages, options.Seed, cancellation);
            fitted.Save(run.Folder.Mixture, states);
            var mixture = fitted.ToModel(run.Package, states);
            mixture.Save(Path.Combine(run.Folder.Export, ExportedFiles.Mixture));
            grids.WriteMixture(run.Folder.Samples, run.Step, states, mixture);
        }

        return RunDisplay.Evaluate(progress => run.Finish(
            kept, images.Test, "test", EvaluationSettings.Create(options.ImportanceSamples, options.Seed, options.Execution), options.Data.Data, progress, cancellation: cancellation));
    }

    public void Dispose() => run.Dispose();

    private RankTask ToTask(long steps) => new()
    {
        Images = options,
        Package = Path.GetFullPath(run.Folder.Package),
        Fingerprint = run.Package.Fingerprint,
        Steps = steps,
        Seed = options.Seed,
        Accumulate = options.Accumulate,
        Logging = options.Logging,
        Execution = options.Execution,
        Augmentation = options.Augmentation,
    };

    // Those of a run that was shorter.
    private void DiscardResults(bool goesOn)
    {
        if (goesOn)
        {
            File.Delete(run.Folder.Evaluation);
            File.Delete(run.Folder.Report);
        }
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
        if (train.Table is not { } table)
        {
            Notice.Say($"Data      {options.Data.Data}: {train.Count} {train.Shape.Noun} for training, {images.Test.Count} for testing{validation}; {train.Shape.Description}, {classes}");
        }
        else
        {
            Notice.Say($"Data      {options.Data.Data}: {train.Count} rows for training, {images.Test.Count} for testing{validation}; {table.Columns.Count} columns, {train.ImageSize} values as vectors");
            Notice.Say($"Columns   {string.Join("; ", table.Columns.GroupBy(column => column.Kind).OrderBy(kind => kind.Key).Select(kind => $"{kind.Key.ToString().ToLowerInvariant()}: {string.Join(", ", kind.Select(InWords))}"))}");
            WarnOfManyCategories(table);
        }

        Notice.Say($"Model     {options.Model?.Model ?? options.Package}: {manifest.Model["parameters"]} parameters, {manifest.Model["latents"]} latents; {manifest.Model["objective"]}");
        if (options.Model is { ScheduleSteps: { } end, LearningRateSchedule: not LearningRates.Constant } && end < steps)
        {
            Console.Error.WriteLine($"The schedule of the learning rate ends at step {end} of {steps}, and its last value holds from there on.");
        }

        var plan = BatchPlan.For(run.Package, options.Accumulate, ranks.Count);
        string parts = plan.IsWhole ? "" : $", in {plan.Parts} parts of {plan.PartSize}", processes = ranks.Count == 1 ? "" : $", {ranks.Count} ranks of {(ranks.ThreadsFor(options.Execution.Threads) is var threads and not 1 ? $"{threads} threads" : "1 thread")}";
        Notice.Say($"Training  {steps} steps of {plan.BatchSize} {train.Shape.Noun}{parts} on {options.Execution.Device}{processes}, into {TerminalWriter.CleanName(run.Folder.Path)}");
        string[] ofParts =
        [
            .. manifest.Split?.OfSingleParts ?? [],
            .. options.Model is { Capacity: not null } ? ["the rate that is held at the capacity"] : Array.Empty<string>(),
            .. options.Model is { FreeBits: not null } ? ["the rate above the free bits"] : Array.Empty<string>(),
        ];
        if (!plan.IsWhole && ofParts.Length > 0)
        {
            Notice.Say($"          {string.Join(", ", ofParts)}: of the {train.Shape.Noun} of each part by itself, not of the whole batch");
        }
    }

    // Dates, for instance.
    private void WarnOfManyCategories(TableSpec table)
    {
        const int many = 50;
        foreach (var column in table.Columns.Where(column => column.Categories.Count > many && !options.Data.Table.States(column.Name)))
        {
            Console.Error.WriteLine($"Column {TerminalWriter.CleanName(column.Name)} is taken for {column.Categories.Count} categories: if it is something else, a date for instance, give --column-types with {TerminalWriter.CleanName(column.Name)}=ignore.");
        }
    }

    private static string InWords(ColumnSpec column) => $"{TerminalWriter.CleanName(column.Name)}{(column.Kind == ColumnKind.Category ? $" ({column.Categories.Count})" : "")}";

    // Writes the run's package: compiles it, or copies a compiled one.
    private static Action<string> Compilation(RunOptions options, ImageSource train, Ranks ranks)
    {
        if (options.Package is { } path)
        {
            var compiled = OpenPackage(path, train, options);
            ImageRequirements.RequireBatch(train, compiled.Manifest.Step.Images.Shape[0] * options.Accumulate);
            _ = BatchPlan.For(compiled, options.Accumulate, ranks.Count);
            return folder => compiled.CopyTo(folder);
        }

        ImageRequirements.RequireBatch(train, (long)options.Model!.Batch * options.Accumulate);
        int? partSize = BatchPlan.PartSizeToCompile(options.Model.Batch, options.Accumulate, ranks.Count);
        return folder => ProgressDisplay.While("Compiling", () => ModelBuilder.Write(
            folder, options.Model, new TrainingData(train, options.Data.Condition, options.Data.Scale), options.Seed, options.StepsFor(train, options.Model.Batch), options.Execution.ParseDevice().Provider, partSize));
    }

    private static TrainingPackage OpenPackage(string path, ImageSource train, RunOptions options)
    {
        var package = TrainingPackage.Open(path);
        if (options.Mixture > 0)
        {
            LatentMixture.RequireFit(package);
        }

        ImageRequirements.RequireFit(package, train);
        long steps = options.StepsFor(train, (int)package.Manifest.Step.Images.Shape[0]);
        return package.Steps is { } compiled && compiled != steps
            ? throw new UsageException($"The package's schedules were compiled for {compiled} steps, but this run has {steps}: give --steps {compiled}, or compile again.")
            : package;
    }
}
