using System.Diagnostics;
using System.Text.Json.Nodes;
using OnnxVae.Exporters.Onnx;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training;

/// <summary>How long and where to train.</summary>
/// <param name="Steps">Steps in all.</param>
/// <param name="Seed">Chooses order of the data and noise.</param>
/// <param name="Device">Where to run.</param>
/// <param name="Threads">Threads of the processor; 0 for one per logical processor.</param>
/// <param name="LogEvery">Steps between lines of the log; a checkpoint ends an interval too, so that a resumed run logs the same means.</param>
/// <param name="CheckpointEvery">Steps between checkpoints.</param>
/// <param name="KeepCheckpoints">How many of the newest checkpoints stay.</param>
public sealed record TrainerOptions(
    long Steps, ulong Seed, OnnxDevice Device, int Threads = 0, int LogEvery = 50, int CheckpointEvery = 500, int KeepCheckpoints = 3)
{
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(LogEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(CheckpointEvery, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(KeepCheckpoints, 1);
    }
}

/// <summary>Where training stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">The loss of the last step.</param>
public readonly record struct TrainingProgress(long Step, long Steps, float Loss);

/// <summary>Training stopped because a number was not finite.</summary>
public sealed class TrainingDivergedException(string message) : Exception(message);

/// <summary>
/// Runs a package's training step over a data set. It knows inputs, states and metrics by the manifest's roles, and no
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

    private Trainer(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        options.Validate();
        (this.package, this.folder, this.options) = (package, folder, options);
        states = new StateBuffers(package.Manifest.States, package.Manifest.Step.Updates);
        runner = new ProgramRunner(package, package.Manifest.Step, states, options.Device, options.Threads);
        loss = package.Manifest.Step.Metrics.Single(metric => metric.Role == MetricRole.Loss);
    }

    /// <summary>Begins a run with the package's initial states.</summary>
    /// <param name="package">The compiled model.</param>
    /// <param name="folder">Where checkpoints and the log go; made if missing.</param>
    /// <param name="options">How long and where.</param>
    /// <exception cref="IOException">The folder has checkpoints of another run.</exception>
    public static Trainer Start(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        if (folder.ListCheckpoints().Count > 0)
        {
            throw new IOException($"'{folder.Path}' holds a run already: resume it, or choose another folder.");
        }

        var trainer = new Trainer(package, folder, options);
        trainer.states.Load(package.ReadInitialStates());
        trainer.Save();
        return trainer;
    }

    /// <summary>Continues a run from its newest checkpoint; one that was stopped before its first begins.</summary>
    /// <param name="package">The run's package.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="options">The run's options.</param>
    /// <exception cref="InvalidDataException">The checkpoint is damaged, or of another package or seed.</exception>
    public static Trainer Resume(TrainingPackage package, RunFolder folder, TrainerOptions options)
    {
        if (folder.ListCheckpoints().Count == 0)
        {
            return Start(package, folder, options);
        }

        string file = folder.NewestCheckpoint();
        var checkpoint = Checkpoint.Load(file, package.Fingerprint);
        if (checkpoint.Seed != options.Seed)
        {
            throw new InvalidDataException($"'{file}' was made under seed {checkpoint.Seed}, not {options.Seed}: resume with the run's own seed.");
        }

        var trainer = new Trainer(package, folder, options) { Step = checkpoint.Step };
        trainer.states.Load(checkpoint.States);
        MetricsLog.TruncateAfter(folder.Metrics, checkpoint.Step);
        return trainer;
    }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Trains until the last step, or until cancelled; the step in progress is finished and a checkpoint written.</summary>
    /// <param name="source">The training images.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="checkpointWritten">Told every checkpoint.</param>
    /// <param name="cancellation">Ends training early.</param>
    /// <returns>Whether all steps were done.</returns>
    /// <exception cref="TrainingDivergedException">The loss was not finite.</exception>
    public async Task<bool> TrainAsync(
        ImageSource source, Action<TrainingProgress>? progress = null, Action<Checkpoint>? checkpointWritten = null, CancellationToken cancellation = default)
    {
        await using var pipeline = new BatchPipeline(package.Manifest.Step, source, options.Seed, Step + 1, options.Steps);
        var interval = new MetricsInterval(package.Manifest.Step, runner);
        while (Step < options.Steps && !cancellation.IsCancellationRequested)
        {
            RunStep(pipeline);
            interval.Add();
            progress?.Invoke(new TrainingProgress(Step, options.Steps, runner.Metric(loss.Name)[0]));
            bool isCheckpoint = Step % options.CheckpointEvery == 0 || Step == options.Steps;
            if (isCheckpoint || Step % options.LogEvery == 0)
            {
                MetricsLog.Append(folder.Metrics, interval.Finish(Step));
            }

            if (isCheckpoint)
            {
                var checkpoint = Save();
                checkpointWritten?.Invoke(checkpoint);
            }
        }

        if (Step < options.Steps && Step % options.CheckpointEvery != 0)
        {
            MetricsLog.Append(folder.Metrics, interval.Finish(Step));
            Save();
        }

        return Step == options.Steps;
    }

    /// <summary>Copies the current states.</summary>
    public IReadOnlyDictionary<string, Tensor> Snapshot() => states.Snapshot();

    /// <inheritdoc/>
    public void Dispose()
    {
        runner.Dispose();
        states.Dispose();
    }

    private void RunStep(BatchPipeline pipeline)
    {
        var batch = pipeline.Next();
        runner.Fill(batch);
        pipeline.Return(batch);
        runner.FillSchedules(Step + 1);
        runner.Run();
        Step++;
        if (!float.IsFinite(runner.Metric(loss.Name)[0]))
        {
            throw Diverged();
        }
    }

    private TrainingDivergedException Diverged()
    {
        string terms = string.Join(", ", package.Manifest.Step.Metrics
            .Where(metric => metric.Shape.Rank == 0).Select(metric => $"{metric.Name} {runner.Metric(metric.Name)[0]}"));
        string state = states.FirstNotFinite() is { } name ? $"the first state that is not finite is '{name}'" : "all states are still finite";
        return new TrainingDivergedException(
            $"Training diverged at step {Step}: {terms}; {state}. The last checkpoint is {Path.GetFileName(folder.NewestCheckpoint())}; try a smaller --learning-rate.");
    }

    // States that are not finite never become a checkpoint: a finite loss is that of the states before the step.
    private Checkpoint Save()
    {
        if (states.FirstNotFinite() is not null)
        {
            throw Diverged();
        }

        var checkpoint = new Checkpoint(Step, options.Seed, package.Fingerprint, Snapshot());
        checkpoint.Save(folder.CheckpointAt(Step));
        foreach (string old in folder.ListCheckpoints().SkipLast(options.KeepCheckpoints))
        {
            File.Delete(old);
        }

        return checkpoint;
    }

    // Means of the scalar metrics over the steps between two lines of the log.
    private sealed class MetricsInterval(ProgramSpec program, ProgramRunner runner)
    {
        private readonly MetricSpec[] scalars = [.. program.Metrics.Where(metric => metric.Shape.Rank == 0)];
        private readonly double[] sums = new double[program.Metrics.Count];
        private readonly Stopwatch time = Stopwatch.StartNew();
        private int steps;

        public void Add()
        {
            for (int i = 0; i < scalars.Length; i++)
            {
                sums[i] += runner.Metric(scalars[i].Name)[0];
            }

            steps++;
        }

        public JsonObject Finish(long step)
        {
            var line = new JsonObject { ["step"] = step };
            for (int i = 0; i < scalars.Length; i++)
            {
                line[scalars[i].Name] = sums[i] / steps;
            }

            foreach (var input in program.Inputs.Where(input => input.Role == InputRole.Schedule))
            {
                line[input.Name] = input.Schedule!.At(step);
            }

            line["imagesPerSecond"] = Math.Round(steps * program.Images.Shape[0] / time.Elapsed.TotalSeconds, 1);
            Array.Clear(sums);
            steps = 0;
            time.Restart();
            return line;
        }
    }
}
