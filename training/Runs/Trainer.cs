using System.Diagnostics;
using System.Text.Json.Nodes;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runtime;

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
    private readonly ProgramRunner runner;
    private readonly MetricSpec loss;
    private float lastLoss = float.NaN;
    private ValidationHistory validated = new([], beta: 1);
    private long metricsStep;

    private Trainer(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        options.Validate();
        (this.package, this.folder, this.options) = (package, folder, options);
        states = new StateBuffers(package, options.Device, package.Manifest.Step.Updates);
        try
        {
            runner = new ProgramRunner(package, package.Manifest.Step, states, options.Threads);
        }
        catch
        {
            states.Dispose();
            throw;
        }

        loss = package.Manifest.Step.Metrics.Single(metric => metric.Role == MetricRole.Loss);
    }

    /// <summary>Starts a run with the package's initial states.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="folder">The folder of checkpoints and log; created if missing.</param>
    /// <param name="options">How long and where to train.</param>
    /// <exception cref="IOException">The folder has checkpoints of another run.</exception>
    public static Trainer Start(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        if (folder.ListCheckpoints().Count > 0)
        {
            throw new IOException($"'{folder.Path}' holds a run already: resume it, or choose another folder.");
        }

        var initial = package.ReadInitialStates();
        var trainer = new Trainer(package, folder, options);
        trainer.states.Load(initial);
        new Checkpoint(0, options.Seed, package.Identity, initial).Save(folder.CheckpointAt(0));
        return trainer;
    }

    /// <summary>
    /// Starts a run, or resumes the one in the folder from its newest checkpoint; if that run is finished, nothing is left to train. A damaged
    /// checkpoint is set aside, and the previous one is used.
    /// </summary>
    /// <param name="package">The run's package.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="options">The run's options.</param>
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

        foreach (string file in damaged)
        {
            RunFolder.SetAside(file);
        }

        var trainer = new Trainer(package, folder, options) { Step = checkpoint.Step, DamagedCheckpoints = damaged };
        trainer.states.Load(checkpoint.States);
        MetricsLog.TruncateAfter(folder.Metrics, checkpoint.Step);
        trainer.lastLoss = trainer.LoggedLoss();
        trainer.validated = new ValidationHistory(MetricsLog.Read(folder.Metrics), Validation.BetaAt(package, options.Steps));
        return trainer;
    }

    /// <summary>Checkpoints that were damaged when the run was resumed, newest first; they now have the extension <c>.damaged</c>.</summary>
    public IReadOnlyList<string> DamagedCheckpoints { get; private init; } = [];

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Time spent computing steps in the runtime.</summary>
    public TimeSpan ComputingTime => runner.ComputingTime;

    /// <summary>Trains until the last step, until patience ends, or until cancelled; the step in progress is finished and a checkpoint written.</summary>
    /// <param name="source">The training images.</param>
    /// <param name="progress">Called after every step; once if all steps had been done before.</param>
    /// <param name="checkpointWritten">Called after each checkpoint has been written, on another thread; training does not wait for it.</param>
    /// <param name="validation">Images that are evaluated now and then, and never trained on; null for none.</param>
    /// <param name="cancellation">Stops training early.</param>
    /// <returns>Whether nothing is left to train.</returns>
    /// <exception cref="InvalidDataException">The images do not fit the model.</exception>
    /// <exception cref="TrainingDivergedException">The loss was not finite.</exception>
    public Task<bool> TrainAsync(
        ImageSource source, Action<TrainingProgress>? progress = null, Action<Checkpoint>? checkpointWritten = null, ImageSource? validation = null, CancellationToken cancellation = default) =>
        Task.Factory.StartNew(() => Train(source, progress, checkpointWritten, validation, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // On one thread from the first step to the last: what a device has recorded belongs to the thread that recorded it.
    private bool Train(ImageSource source, Action<TrainingProgress>? progress, Action<Checkpoint>? checkpointWritten, ImageSource? held, CancellationToken cancellation)
    {
        using var validation = held is null ? null : new Validation(package, states, held, options.Steps, options.Seed, options.Threads);
        source = package.Manifest.Step.Labels is null ? source : RelabeledImages.For(source, package.Classes);
        var pipeline = new BatchPipeline(package.Manifest.Step, source, options.Seed, Step + 1, options.Steps);
        var writer = new CheckpointWriter(folder, options.KeepCheckpoints, checkpointWritten);
        try
        {
            TrainSteps(pipeline, writer, validation, progress, cancellation);
            writer.FinishAsync().GetAwaiter().GetResult();
            if (IsFinished && !options.KeepsBest)
            {
                File.Delete(folder.Best);
            }

            return IsFinished;
        }
        finally
        {
            writer.DisposeAsync().AsTask().GetAwaiter().GetResult();
            pipeline.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private void TrainSteps(BatchPipeline pipeline, CheckpointWriter writer, Validation? validation, Action<TrainingProgress>? progress, CancellationToken cancellation)
    {
        var time = Stopwatch.StartNew();
        long started = Step, logged = Step;
        if (IsFinished)
        {
            progress?.Invoke(Progress);
        }

        MatchBest(isValidated: validation is not null);
        while (!IsFinished && !cancellation.IsCancellationRequested)
        {
            Step++;
            bool isCheckpoint = Step % options.CheckpointEvery == 0 || Step == options.Steps;
            bool isValidated = validation is not null && (Step % options.StepsBetweenValidations == 0 || Step == options.Steps);
            bool isBest = false, isLogged = isCheckpoint || isValidated || Step % options.LogEvery == 0 || Step == 1;
            RunStep(pipeline, isLogged);
            if (isLogged)
            {
                RequireFinite(writer);
                var line = LogLine((Step - logged) / time.Elapsed.TotalSeconds);
                if (isValidated)
                {
                    isBest = Add(line, validation!.Run());
                }

                MetricsLog.Append(folder.Metrics, line);
                (logged, lastLoss) = (Step, runner.Metric(loss.Name)[0]);
                time.Restart();
            }

            progress?.Invoke(Progress);
            if (isCheckpoint || isBest)
            {
                Save(writer, isBest);
            }
        }

        if (Step < options.Steps && Step % options.CheckpointEvery != 0 && Step != started)
        {
            Save(writer, isBest: false);
        }
    }

    private TrainingProgress Progress => new(Step, options.Steps, lastLoss) { ValidationLoss = validated.Last };

    // The best checkpoint is that of the log: a process may have been killed before it was written, and a run may go on in another way than before.
    private void MatchBest(bool isValidated)
    {
        if (!isValidated)
        {
            validated = new ValidationHistory([], beta: 1);
            File.Delete(folder.Best);
        }
        else if (options.KeepsBest && validated.Best is { } best && StepOfBest() != best.Step)
        {
            if (File.Exists(folder.CheckpointAt(best.Step)))
            {
                Checkpoint.Load(folder.CheckpointAt(best.Step), package).Save(folder.Best);
            }
            else
            {
                File.Delete(folder.Best);
                validated.ForgetBest();
            }
        }
    }

    private long? StepOfBest()
    {
        try
        {
            return File.Exists(folder.Best) ? Checkpoint.Load(folder.Best, package).Step : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The step with the lowest validation loss so far, and that loss; null if there is none.</summary>
    public (long Step, double Loss)? Best => validated.Best;

    /// <summary>Whether nothing is left to train: all steps are done, or the validation loss has not fallen for as long as the options allow.</summary>
    public bool IsFinished => Step >= options.Steps || validated.SinceBest >= options.Patience;

    // Whether the loss is the lowest so far. That the states are finite, the loss of a step tells.
    private bool Add(JsonObject line, ValidationFigures figures)
    {
        foreach (var (name, value) in figures.Named)
        {
            line[name] = double.IsFinite(value) ? value : null;
        }

        return validated.Add(Step, figures.Loss) && options.KeepsBest;
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

    private void RunStep(BatchPipeline pipeline, bool withMetrics)
    {
        var batch = pipeline.Next();
        runner.Fill(batch.Images, batch.Values, batch.Labels, batch.Conditions, batch.Noise);
        pipeline.Return(batch);
        runner.FillSchedules(Step);
        runner.Run(withMetrics);
        metricsStep = withMetrics ? Step : metricsStep;
    }

    // The loss belongs to the states before the step; those after it are checked before they become a checkpoint.
    private void RequireFinite(CheckpointWriter writer)
    {
        if (!float.IsFinite(runner.Metric(loss.Name)[0]))
        {
            writer.FinishAsync().GetAwaiter().GetResult();
            throw Diverged();
        }
    }

    private void Save(CheckpointWriter writer, bool isBest)
    {
        var snapshot = Snapshot();
        if (StateBuffers.FirstNotFinite(snapshot) is not null)
        {
            writer.FinishAsync().GetAwaiter().GetResult();
            throw Diverged();
        }

        writer.WriteAsync(new Checkpoint(Step, options.Seed, package.Identity, snapshot), isBest).GetAwaiter().GetResult();
    }

    private TrainingDivergedException Diverged()
    {
        // Between log lines no metrics are computed.
        string terms = metricsStep == Step ? string.Join(", ", Scalars.Select(metric => $"{metric.Name} {runner.Metric(metric.Name)[0]}")) + "; " : "";
        string state = StateBuffers.FirstNotFinite(Snapshot()) is { } name ? $"the first state that is not finite is '{name}'" : "all states are still finite";
        return new TrainingDivergedException(
            $"Training diverged at step {Step}: {terms}{state}. The last checkpoint is {Path.GetFileName(folder.NewestCheckpoint())}; try a smaller learning rate, or clip the gradient.");
    }

    private float LoggedLoss() =>
        (float?)MetricsLog.Read(folder.Metrics, Step).Select(line => MetricsLog.ValueOf(line, loss.Name)).LastOrDefault(value => value is not null) ?? float.NaN;

    private JsonObject LogLine(double stepsPerSecond)
    {
        var program = package.Manifest.Step;
        var line = new JsonObject { ["step"] = Step };
        foreach (var metric in Scalars)
        {
            line[metric.Name] = runner.Metric(metric.Name)[0];
        }

        foreach (var input in program.Inputs.Where(input => input.Role == InputRole.Schedule))
        {
            line[input.Name] = input.Schedule!.At(Step);
        }

        line["imagesPerSecond"] = Math.Round(stepsPerSecond * program.Images.Shape[0], 1);
        return line;
    }
}
