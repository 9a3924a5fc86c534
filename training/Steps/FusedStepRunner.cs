using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Steps;

/// <summary>Takes training steps with one program, on whole batches.</summary>
/// <param name="package">The package.</param>
/// <param name="states">The states.</param>
/// <param name="threads">CPU threads; 0 for one per logical processor.</param>
internal sealed class FusedStepRunner(TrainingPackage package, StateBuffers states, int threads) : IStepRunner
{
    private readonly ProgramSpec program = package.Manifest.Step;
    private readonly ProgramRunner runner = new(package, package.Manifest.Step, states, threads);

    /// <inheritdoc/>
    public TimeSpan ComputingTime => runner.ComputingTime;

    /// <inheritdoc/>
    public TimeSpan ReducingTime => TimeSpan.Zero;

    /// <inheritdoc/>
    public BatchPipeline Prepare(ImageSource source, ulong seed, long firstStep, long lastStep, Augmentation? augmentation) => new(program, source, seed, firstStep, lastStep, augmentation);

    /// <inheritdoc/>
    public bool Run(BatchPipeline batches, long step, bool withMetrics, bool stop)
    {
        batches.FillNext(runner);
        runner.FillSchedules(step);
        runner.Run(withMetrics);
        return stop;
    }

    /// <inheritdoc/>
    public float Metric(string name) => runner.Metric(name)[0];

    /// <inheritdoc/>
    public void Dispose() => runner.Dispose();
}
