using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;
using OnnxVae.Training.Steps;

namespace OnnxVae.Training.Runs;

/// <summary>
/// The work of every process but the first, where several train one model: its parts of every batch. It starts where the <see cref="Trainer"/> of the first process
/// does, ends when that does, and writes nothing.
/// </summary>
public sealed class TrainingWorker : IDisposable
{
    private readonly TrainingPackage package;
    private readonly TrainerOptions options;
    private readonly StateBuffers states;
    private readonly IStepRunner runner;

    /// <summary>Loads the programs.</summary>
    /// <param name="package">The run's package.</param>
    /// <param name="options">The options of the first process, but for device and threads.</param>
    /// <exception cref="ArgumentException">The process is the first one of its group.</exception>
    /// <exception cref="InvalidDataException">The package was not compiled for that many processes.</exception>
    public TrainingWorker(TrainingPackage package, TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(package);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.Group.Rank == 0)
        {
            throw new ArgumentException($"The process is the first one, or the only one: it has a {nameof(Trainer)}, the others have a worker.", nameof(options));
        }

        (this.package, this.options) = (package, options);
        var plan = BatchPlan.For(package, options.Accumulate, options.Group.Size);
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
    }

    /// <summary>Trains until the first process ends.</summary>
    /// <param name="source">The training images, the same as those of the first process.</param>
    /// <param name="cancellation">Stops the training of all processes early.</param>
    /// <exception cref="InvalidDataException">The images do not fit the model.</exception>
    public Task TrainAsync(ImageSource source, CancellationToken cancellation = default) =>
        Task.Factory.StartNew(() => Train(source, cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Train(ImageSource source, CancellationToken cancellation)
    {
        var sync = new TrainingSync(options.Group, states);
        var (step, hasValidation, isFinished) = sync.ShareStart();
        source = package.Manifest.Step.Labels is null ? source : RelabeledImages.For(source, package.Classes);
        ImageRequirements.RequireFit(package, source);
        var batches = runner.Prepare(source, options.Seed, step + 1, options.Steps, options.Augmentation);
        try
        {
            while (step < options.Steps && !isFinished)
            {
                step++;
                bool isValidated = hasValidation && options.IsValidated(step);
                isFinished = runner.Run(batches, step, options.IsLogged(step, isValidated), cancellation.IsCancellationRequested);
                if (isValidated)
                {
                    isFinished |= sync.ShareFinished();
                }

                if (options.IsCheckpoint(step))
                {
                    sync.ShareStates();
                }
            }
        }
        finally
        {
            batches.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        runner.Dispose();
        states.Dispose();
    }
}
