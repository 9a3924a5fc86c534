using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runtime;
using OnnxVae.Training.Steps;

namespace OnnxVae.Training.Runs;

/// <summary>
/// Runs a package's training step over a data set. It identifies inputs, states and metrics by their roles in the manifest, and knows no
/// model by name.
/// </summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingPackage package;
    private readonly RunFolder folder;
    private readonly TrainerOptions options;
    private readonly StateBuffers states;
    private readonly BatchPlan plan;
    private readonly IStepRunner runner;
    private readonly TrainingSync sync;
    private readonly MetricSpec loss;
    private double secondsBefore; // of training, up to where the run was resumed
    private readonly Stopwatch time = new();
    private double? lastLoss, lastValidationLoss;
    private ValidationHistory validated = new([], beta: 1, ValidationFigure.Loss);
    private long metricsStep, logged, saved;
    private TimeSpan reduced; // up to the last line of the log

    private Trainer(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        options.Validate();
        if (options.Group.Rank > 0)
        {
            throw new ArgumentException($"The process has rank {options.Group.Rank}: only the first one has a trainer, the others have a {nameof(TrainingWorker)}.", nameof(options));
        }

        (this.package, this.folder, this.options) = (package, folder, options);
        plan = BatchPlan.For(package, options.Accumulate, options.Group.Size);
        states = new StateBuffers(package, options.Device, package.Manifest.Step.Updates);
        try
        {
            runner = IStepRunner.Load(package, plan, states, options.Threads, options.Group);
        }
        catch
        {
            states.Dispose();
            throw;
        }

        sync = new TrainingSync(options.Group, states);
        loss = package.Manifest.Step.Metrics.Single(metric => metric.Role == MetricRole.Loss);
    }

    /// <summary>Raised after every step, on the thread that trains; once if all steps had been done before.</summary>
    public event EventHandler<TrainingProgress>? Progressed;

    /// <summary>Raised after each line of the log has been written, on the thread that trains.</summary>
    public event EventHandler<LoggedStep>? Logged;

    /// <summary>Raised after each checkpoint has been written, on another thread; training does not wait for it.</summary>
    public event EventHandler<Checkpoint>? CheckpointWritten;

    /// <summary>Starts a run with the package's initial states.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="folder">The folder of checkpoints and log; created if missing.</param>
    /// <param name="options">How long and where to train.</param>
    /// <exception cref="ArgumentException">The process is not the first one of its group.</exception>
    /// <exception cref="IOException">The folder has checkpoints of another run.</exception>
    /// <exception cref="InvalidDataException">It has a log, but its checkpoints are gone.</exception>
    public static Trainer Start(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        if (folder.ListCheckpoints().Count > 0)
        {
            throw new IOException($"'{folder.Path}' holds a run already: resume it, or choose another folder.");
        }

        if (MetricsLog.LastStepOf(folder.Metrics) is > 0 and var logged)
        {
            throw new InvalidDataException($"'{folder.Path}' has a log of {logged} steps, but no checkpoint: put the checkpoints back, or start over in another folder.");
        }

        var initial = package.ReadInitialStates();
        return Prepared(new Trainer(package, folder, options), trainer =>
        {
            trainer.states.Load(initial);
            new Checkpoint(0, options.Seed, package.Identity, initial).Save(folder.CheckpointAt(0));
        });
    }

    private static Trainer Prepared(Trainer trainer, Action<Trainer> prepare)
    {
        try
        {
            prepare(trainer);
            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Starts a run, or resumes the one in the folder from its newest checkpoint; if that run is finished, nothing is left to train. A damaged
    /// checkpoint is set aside, and the previous one is used.
    /// </summary>
    /// <param name="package">The run's package.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="options">The run's options.</param>
    /// <exception cref="ArgumentException">The process is not the first one of its group.</exception>
    /// <exception cref="InvalidDataException">All checkpoints are damaged, or they belong to another package or seed.</exception>
    public static Trainer StartOrResume(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        if (folder.ListCheckpoints().Count == 0)
        {
            return Start(package, folder, options);
        }

        var (checkpoint, damaged) = folder.LoadNewest(package);
        if (checkpoint.Seed != options.Seed)
        {
            throw new InvalidDataException(
                $"'{folder.CheckpointAt(checkpoint.Step)}' was made under seed {checkpoint.Seed}, not {options.Seed}: resume with the run's own seed.");
        }

        return Prepared(new Trainer(package, folder, options) { Step = checkpoint.Step, DamagedCheckpoints = damaged }, trainer =>
        {
            trainer.states.Load(checkpoint.States);
            foreach (string file in damaged)
            {
                RunFolder.SetAside(file);
            }

            MetricsLog.TruncateAfter(folder.Metrics, checkpoint.Step);
            trainer.secondsBefore = MetricsLog.SecondsOf(folder.Metrics);
            trainer.lastLoss = trainer.LastLogged(trainer.loss.Name);
            trainer.lastValidationLoss = trainer.LastLogged(ValidationFigures.LossName);
            trainer.validated = new ValidationHistory(MetricsLog.Read(folder.Metrics), Validation.BetaAt(package, options.Steps), options.BestBy);
        });
    }

    /// <summary>Checkpoints that were damaged when the run was resumed, newest first; they now have the extension <c>.damaged</c>.</summary>
    public IReadOnlyList<string> DamagedCheckpoints { get; private init; } = [];

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Time that processes have spent, on average, adding up their contributions and waiting for each other; none for one process.</summary>
    public TimeSpan ReducingTime => runner.ReducingTime;

    /// <summary>Time spent computing steps in the runtime.</summary>
    public TimeSpan ComputingTime => runner.ComputingTime;

    /// <summary>Time spent evaluating validation images.</summary>
    public TimeSpan ValidationTime { get; private set; }

    /// <summary>
    /// Trains until the last step, or until patience ends. When cancelled, it finishes the step in progress and writes a checkpoint before the task ends as cancelled.
    /// </summary>
    /// <param name="source">The training images.</param>
    /// <param name="validation">Images that are evaluated now and then, and never trained on; null for none.</param>
    /// <param name="cancellation">Stops training early.</param>
    /// <exception cref="OperationCanceledException">Training was stopped early.</exception>
    /// <exception cref="InvalidDataException">The images do not fit the model.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a parameter was not finite.</exception>
    public Task TrainAsync(ImageSource source, ImageSource? validation = null, CancellationToken cancellation = default) =>
        Task.Factory.StartNew(
            () => Train(source, validation, cancellation), options.Group.Size == 1 ? cancellation : CancellationToken.None, // others wait for this one to begin
            TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // On one thread from the first step to the last: what a device has recorded belongs to the thread that recorded it.
    private void Train(ImageSource source, ImageSource? held, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        using var validation = held is null ? null : new Validation(package, states, held, options.Steps, options.Seed, options.Threads);
        ValidationTime += Stopwatch.GetElapsedTime(start);
        if (validation is not null && !validation.Has(options.BestBy))
        {
            throw new ArgumentException($"The model has no {options.BestBy.ToString().ToLowerInvariant()} to choose the best checkpoint by: choose it by the loss.");
        }

        source = package.Manifest.Step.Labels is null ? source : RelabeledImages.For(source, package.Classes);
        ImageRequirements.RequireFit(package, source);
        var pipeline = runner.Prepare(source, options.Seed, Step + 1, options.Steps, options.Augmentation);
        var writer = new CheckpointWriter(folder, options.KeepCheckpoints, checkpoint => CheckpointWritten?.Invoke(this, checkpoint));
        try
        {
            TrainSteps(pipeline, writer, validation, cancellation);
            writer.FinishAsync().GetAwaiter().GetResult();
        }
        finally
        {
            writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
            pipeline.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        if (!IsFinished)
        {
            throw new OperationCanceledException($"Training was stopped at step {Step} of {options.Steps}; a checkpoint is written.", cancellation);
        }

        if (!options.KeepsBest)
        {
            File.Delete(folder.Best);
        }
    }

    private void TrainSteps(BatchPipeline pipeline, CheckpointWriter writer, Validation? validation, CancellationToken cancellation)
    {
        MatchBest(isValidated: validation is not null);
        sync.ShareStart(Step, hasValidation: validation is not null, IsFinished);
        var sinceLogged = Stopwatch.StartNew();
        time.Start();
        long started = Step;
        logged = saved = Step;
        if (IsFinished)
        {
            Progressed?.Invoke(this, Progress);
        }

        bool isStopped = false; // as several processes agree in a step
        while (!IsFinished && !isStopped && !(options.Group.Size == 1 && cancellation.IsCancellationRequested))
        {
            Step++;
            bool isCheckpoint = options.IsCheckpoint(Step), isValidated = validation is not null && options.IsValidated(Step);
            bool isBest = false, isLogged = options.IsLogged(Step, isValidated);
            isStopped = runner.Run(pipeline, Step, isLogged, cancellation.IsCancellationRequested);
            metricsStep = isLogged ? Step : metricsStep;
            if (isLogged)
            {
                RequireFinite(writer);
                var line = LogLine(sinceLogged.Elapsed);
                if (isValidated)
                {
                    long start = Stopwatch.GetTimestamp();
                    isBest = Add(line, validation!.Run());
                    ValidationTime += Stopwatch.GetElapsedTime(start);
                    sync.ShareFinished(IsFinished);
                }

                MetricsLog.Append(folder.Metrics, line);
                (logged, lastLoss, reduced) = (Step, runner.Metric(loss.Name), runner.ReducingTime);
                Logged?.Invoke(this, new LoggedStep(Step, MetricsLog.NumbersOf(line)));
                sinceLogged.Restart();
            }

            Progressed?.Invoke(this, Progress);
            if (isCheckpoint || isBest)
            {
                Save(writer, isBest);
            }

            if (isCheckpoint)
            {
                sync.ShareStates();
            }
        }

        if (Step < options.Steps && Step % options.CheckpointEvery != 0 && Step != started)
        {
            Save(writer, isBest: false);
        }
    }

    private TrainingProgress Progress => new(Step, options.Steps, lastLoss) { ValidationLoss = lastValidationLoss };

    // The best checkpoint is that of the log: a process may have been killed before it was written, and a run may go on in another way than before.
    private void MatchBest(bool isValidated)
    {
        if (!isValidated)
        {
            validated = new ValidationHistory([], beta: 1, options.BestBy);
            File.Delete(folder.Best);
        }
        else if (options.KeepsBest)
        {
            MatchBest(LoadBest());
        }
    }

    private void MatchBest(Checkpoint? kept)
    {
        if (kept is { Figure: { } figure } && kept.Step <= Step)
        {
            validated.Remember(kept.Step, figure); // the log may have lost it
        }

        if (validated.Best?.Step != kept?.Step)
        {
            validated.KeepOnly(step => step == kept?.Step || File.Exists(folder.CheckpointAt(step))); // those whose states are there
            if (validated.Best is { } best && best.Step != kept?.Step)
            {
                Checkpoint.Load(folder.CheckpointAt(best.Step), package).Save(folder.Best);
            }
            else if (validated.Best is null)
            {
                File.Delete(folder.Best);
            }
        }
    }

    private Checkpoint? LoadBest()
    {
        try
        {
            return File.Exists(folder.Best) ? Checkpoint.Load(folder.Best, package) : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The step whose validation figure was the lowest so far, and that figure; null if there is none.</summary>
    public (long Step, double Figure)? Best => validated.Best;

    /// <summary>Whether nothing is left to train: all steps are done, or the validation figure has not fallen for as long as the options allow.</summary>
    public bool IsFinished => Step >= options.Steps || validated.SinceBest >= options.Patience;

    // Whether the figure that counts is the lowest so far, and its states are to be kept.
    private bool Add(JsonObject line, ValidationFigures figures)
    {
        foreach (var (name, value) in figures.Named)
        {
            line[name] = double.IsFinite(value) ? value : null;
        }

        lastValidationLoss = double.IsFinite(figures.Loss) ? figures.Loss : lastValidationLoss;
        return validated.Add(Step, figures.ValueOf(options.BestBy)!.Value) && options.KeepsBest;
    }

    private IEnumerable<MetricSpec> Scalars => package.Manifest.Step.Metrics.Where(metric => metric.Shape.Rank == 0);

    /// <summary>Copies the current states.</summary>
    public IReadOnlyDictionary<string, Tensor> Snapshot() => states.Snapshot();

    /// <inheritdoc/>
    public void Dispose()
    {
        runner.Dispose();
        states.Dispose();
    }

    // The loss belongs to the states before the step. Not every number that is not finite reaches it: a ReLU may hide one.
    private void RequireFinite(CheckpointWriter writer)
    {
        if (!float.IsFinite(runner.Metric(loss.Name)) || states.FirstParameterNotFinite() is not null)
        {
            throw Diverged(writer, since: logged);
        }
    }

    private void Save(CheckpointWriter writer, bool isBest)
    {
        var snapshot = Snapshot();
        if (StateBuffers.FirstNotFinite(snapshot) is not null)
        {
            throw Diverged(writer, since: saved);
        }

        saved = Step;
        writer.WriteAsync(new Checkpoint(Step, options.Seed, package.Identity, snapshot) { Figure = isBest ? validated.Best?.Value : null }, isBest).GetAwaiter().GetResult();
    }

    private TrainingDivergedException Diverged(CheckpointWriter writer, long since)
    {
        writer.DisposeAsync().AsTask().GetAwaiter().GetResult(); // the last checkpoint is written
        // Between log lines no metrics are computed.
        string terms = metricsStep == Step ? string.Join(", ", Scalars.Select(metric => $"{metric.Name} {runner.Metric(metric.Name)}")) + "; " : "";
        string state = StateBuffers.FirstNotFinite(Snapshot()) is { } name ? $"the first state that is not finite is '{name}'" : "all states are still finite";
        string when = Step - since > 1 ? $"between steps {since + 1} and {Step}" : $"at step {Step}";
        return new TrainingDivergedException(
            $"Training diverged {when}: {terms}{state}. The last checkpoint is {Path.GetFileName(folder.NewestCheckpoint())}; try a smaller learning rate, or clip the gradient.");
    }

    private double? LastLogged(string name) => MetricsLog.Read(folder.Metrics, Step).Select(line => MetricsLog.ValueOf(line, name)).LastOrDefault(value => value is not null);

    private JsonObject LogLine(TimeSpan sinceLogged)
    {
        var program = package.Manifest.Step;
        var line = new JsonObject { ["step"] = Step };
        foreach (var metric in Scalars)
        {
            float value = runner.Metric(metric.Name);
            line[metric.Name] = float.IsFinite(value) ? value : null;
        }

        foreach (var input in program.Inputs.Where(input => input.Role == InputRole.Schedule))
        {
            line[input.Name] = input.Schedule!.At(Step);
        }

        line[MetricsLog.Speed] = Math.Round((Step - logged) * plan.BatchSize / sinceLogged.TotalSeconds, 1);
        if (runner.ReducingTime > reduced)
        {
            line[MetricsLog.Efficiency] = Math.Round(Math.Clamp(1 - ((runner.ReducingTime - reduced) / sinceLogged), 0, 1), 4);
        }

        line[MetricsLog.Seconds] = Math.Round(secondsBefore + time.Elapsed.TotalSeconds, 3);
        line[MetricsLog.Time] = DateTime.UtcNow.ToString("s", CultureInfo.InvariantCulture) + "Z";
        return line;
    }
}
