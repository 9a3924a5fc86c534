using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;

namespace OnnxVae.Training.Runs;

/// <summary>
/// A run in this process, from its options to its report, whatever it trains: start or resume, <see cref="TrainAsync"/>, <see cref="Export"/>,
/// <see cref="Finish"/>. Until it is disposed, no other process may work on it.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly IDisposable held;
    private TrainingPackage? package;

    private TrainingRun(RunFolder folder, IDisposable held) => (Folder, this.held) = (folder, held);

    /// <summary>The run's folder.</summary>
    public RunFolder Folder { get; }

    /// <summary>The compiled model.</summary>
    public TrainingPackage Package => package ??= TrainingPackage.Open(Folder.Package);

    /// <summary>Steps done, as far as this process knows: 0 before <see cref="TrainAsync"/>.</summary>
    public long Step { get; private set; }

    /// <summary>The step whose validation figure was the lowest, and that figure; null if there is none, and before <see cref="TrainAsync"/>.</summary>
    public (long Step, double Figure)? Best { get; private set; }

    /// <summary>Raised when the states are loaded, before the first step. An exception of a handler, of this event or another, ends the training.</summary>
    public event EventHandler<TrainingStart>? Started;

    /// <inheritdoc cref="Trainer.Progressed"/>
    public event EventHandler<TrainingProgress>? Progressed;

    /// <inheritdoc cref="Trainer.Logged"/>
    public event EventHandler<LoggedStep>? Logged;

    /// <inheritdoc cref="Trainer.CheckpointWritten"/>
    public event EventHandler<Checkpoint>? CheckpointWritten;

    /// <summary>Raised after the sample grids of a checkpoint have been drawn, on another thread; training does not wait for it.</summary>
    public event EventHandler<DrawnGrids>? GridsDrawn;

    /// <summary>Starts a run in a new or empty folder. A failed start leaves nothing behind.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">The options of the run; stored in its folder.</param>
    /// <param name="compile">Writes the model's package into a folder.</param>
    /// <exception cref="IOException">The folder is not empty, or another process works on it.</exception>
    public static TrainingRun Start<TOptions>(RunFolder folder, TOptions options, Action<string> compile) where TOptions : IRunOptions
    {
        RequireEmpty(folder);
        return WhileLocked(folder, held =>
        {
            RequireEmpty(folder); // another process may have been faster
            return Begin(folder, held, options, compile);
        });
    }

    /// <summary>Resumes a run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="prepare">
    /// Takes the options that the run was started with, throws if it must not be resumed, and returns the action that writes the package into a folder:
    /// a run that was stopped while its package was being compiled compiles it again.
    /// </param>
    /// <exception cref="InvalidDataException">The folder does not hold a run.</exception>
    /// <exception cref="IOException">Another process works on it.</exception>
    public static TrainingRun Resume<TOptions>(RunFolder folder, Func<TOptions, Action<string>> prepare) where TOptions : IRunOptions
    {
        RunFolder.Open(folder.Path);
        return WhileLocked(folder, held =>
        {
            var compile = prepare(folder.ReadOptions<TOptions>());
            if (!TrainingPackage.IsIn(folder.Package))
            {
                folder.DiscardPackage();
                compile(folder.Package);
            }

            return new TrainingRun(folder, held);
        });
    }

    /// <summary>Resumes the run in a folder if it has a checkpoint beyond the initial one, and starts it otherwise.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">The options of the run.</param>
    /// <param name="requireSame">Takes the options that the run was started with and its package, and throws if they differ from what is requested.</param>
    /// <param name="compile">Writes the model's package into a folder.</param>
    /// <exception cref="InvalidDataException">The folder has checkpoints, but no options.</exception>
    /// <exception cref="IOException">Another process works on it.</exception>
    public static TrainingRun StartOrResume<TOptions>(RunFolder folder, TOptions options, Action<TOptions, TrainingPackage> requireSame, Action<string> compile) where TOptions : IRunOptions =>
        WhileLocked(folder, held =>
        {
            if (folder.HoldsRun && folder.HasCheckpoint)
            {
                var run = new TrainingRun(folder, held);
                requireSame(folder.ReadOptions<TOptions>(), run.Package);
                return run;
            }

            if (folder.HasCheckpoint)
            {
                throw new InvalidDataException($"'{folder.Path}' has checkpoints, but no '{folder.Options}': put that back, or delete the folder to start over.");
            }

            folder.Discard();
            return Begin(folder, held, options, compile);
        });

    /// <summary>
    /// Trains from the initial states, or from those of the newest checkpoint, until the last step or until patience ends; a damaged checkpoint is set aside, and the
    /// previous one is used. When cancelled, it finishes the step in progress and writes a checkpoint before the task ends as cancelled; call it again to go on.
    /// </summary>
    /// <param name="images">The training images.</param>
    /// <param name="options">How long and where to train.</param>
    /// <param name="validation">Images that are evaluated now and then, and never trained on; null for none.</param>
    /// <param name="grids">Draws sample grids at every interval of checkpoints and, at the end, of the kept one; null for none.</param>
    /// <param name="cancellation">Stops training early.</param>
    /// <exception cref="OperationCanceledException">Training was stopped early.</exception>
    /// <exception cref="InvalidDataException">All checkpoints are damaged, or they belong to another package or seed; or the images do not fit the model.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a parameter was not finite.</exception>
    public async Task TrainAsync(ImageSource images, TrainerOptions options, ImageSource? validation = null, SampleGrids? grids = null, CancellationToken cancellation = default)
    {
        // Its states take memory that the evaluation needs.
        using var trainer = await Task.Run(() => Load(options, grids), CancellationToken.None).ConfigureAwait(false);
        trainer.Progressed += (_, progress) => Progressed?.Invoke(this, progress);
        trainer.Logged += (_, line) => Logged?.Invoke(this, line);
        trainer.CheckpointWritten += (_, checkpoint) =>
        {
            CheckpointWritten?.Invoke(this, checkpoint);
            if (IsDrawn(checkpoint.Step, options))
            {
                Draw(grids, checkpoint.Step, checkpoint.States);
            }
        };
        try
        {
            await trainer.TrainAsync(images, validation, cancellation).ConfigureAwait(false);
            var kept = Folder.LoadKept(Package).Checkpoint;
            if (grids is not null && !grids.AreWritten(Folder.Samples, kept.Step))
            {
                await Task.Run(() => Draw(grids, kept.Step, kept.States), CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            (Step, Best) = (trainer.Step, trainer.Best);
        }
    }

    private Trainer Load(TrainerOptions options, SampleGrids? grids)
    {
        var trainer = Trainer.StartOrResume(Package, Folder, options);
        try
        {
            Step = trainer.Step;
            Started?.Invoke(this, new TrainingStart(trainer.Step, trainer.DamagedCheckpoints));
            if (grids is not null && IsDrawn(Step, options) && !grids.AreWritten(Folder.Samples, Step))
            {
                Draw(grids, Step, trainer.Snapshot()); // the run was killed between writing the checkpoint and its grids
            }

            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    // Not at every new best step: there may be many.
    private static bool IsDrawn(long step, TrainerOptions options) => step > 0 && (step % options.CheckpointEvery == 0 || step == options.Steps);

    private void Draw(SampleGrids? grids, long step, IReadOnlyDictionary<string, Tensor> states)
    {
        if (grids?.Write(Folder.Samples, step, states) is [_, ..] files)
        {
            GridsDrawn?.Invoke(this, new DrawnGrids(step, files));
        }
    }

    /// <summary>Takes over the training step in two programs of another package, as <see cref="TrainingPackage.TakeSplit"/>.</summary>
    /// <param name="other">The other package.</param>
    /// <exception cref="ArgumentException">The other package does not have it, or is of another model.</exception>
    public void TakeSplit(TrainingPackage other) => package = Package.TakeSplit(other);

    /// <summary>Writes the deployable files.</summary>
    /// <param name="states">The states, by name.</param>
    public void Export(IReadOnlyDictionary<string, Tensor> states) => RunExport.Write(Package, states, Folder.Export);

    /// <summary>Evaluates the model, and writes the metrics and the report.</summary>
    /// <param name="checkpoint">The states: those of the kept checkpoint, <see cref="RunFolder.LoadKept"/>.</param>
    /// <param name="images">The images to evaluate it on.</param>
    /// <param name="split">The name of their split.</param>
    /// <param name="options">How to evaluate it.</param>
    /// <param name="data">The data set's name, for the report; null to leave it out.</param>
    /// <param name="progress">Called with the number of images done and the total.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    /// <returns>The metrics.</returns>
    public EvaluationFigures Finish(
        Checkpoint checkpoint,
        ImageSource images,
        string split,
        EvaluatorOptions options,
        string? data = null,
        Action<long, long>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        var figures = Evaluator.Evaluate(Package, checkpoint.States, images, options, progress, cancellation);
        figures.Save(Folder.Evaluation);
        RunReport.Write(Folder.Report, new RunReportContents
        {
            Manifest = Package.Manifest,
            Figures = figures,
            Split = split,
            Log = MetricsLog.Read(Folder.Metrics),
            Step = checkpoint.Step,
            IsBest = File.Exists(Folder.Best),
            Grids = Folder.Samples,
            Data = data,
            Options = RunFolder.ReadJson(Folder.Options) ?? [],
            GivenOptions = RunFolder.ReadJson(Folder.Config),
        });
        return figures;
    }

    /// <inheritdoc/>
    public void Dispose() => held.Dispose();

    private static void RequireEmpty(RunFolder folder)
    {
        if (!folder.IsEmpty)
        {
            throw new IOException($"The folder '{folder.Path}' exists and is not empty: {(folder.HoldsRun ? "it holds a run, continue that or choose another folder." : "choose another one.")}");
        }
    }

    private static TrainingRun Begin<TOptions>(RunFolder folder, IDisposable held, TOptions options, Action<string> compile) where TOptions : IRunOptions
    {
        try
        {
            folder.WriteOptions(options);
            compile(folder.Package);
            return new TrainingRun(folder, held);
        }
        catch
        {
            folder.Discard(); // it did not hold a run
            throw;
        }
    }

    // Folders that were created for a run that then failed are removed again.
    private static TrainingRun WhileLocked(RunFolder folder, Func<IDisposable, TrainingRun> open)
    {
        var made = MissingFolders(Path.GetFullPath(folder.Path));
        var held = folder.Lock();
        try
        {
            return open(held);
        }
        catch
        {
            held.Dispose();
            foreach (string empty in made.TakeWhile(path => !Directory.EnumerateFileSystemEntries(path).Any()))
            {
                Directory.Delete(empty);
            }

            throw;
        }
    }

    // A folder and its parents that do not exist yet, innermost first.
    private static List<string> MissingFolders(string path)
    {
        var missing = new List<string>();
        for (string? folder = path; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            missing.Add(folder);
        }

        return missing;
    }
}
