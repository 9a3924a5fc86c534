using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Steps;

/// <summary>Takes training steps.</summary>
internal interface IStepRunner : IDisposable
{
    /// <summary>Time spent in the runtime so far.</summary>
    TimeSpan ComputingTime { get; }

    /// <summary>Time that processes have spent so far, on average, adding up their contributions and waiting for each other; none for one process.</summary>
    TimeSpan ReducingTime { get; }

    /// <summary>Prepares the batches of steps, or the parts of them that this process computes.</summary>
    /// <param name="source">The images.</param>
    /// <param name="seed">Random seed of their order and the noise.</param>
    /// <param name="firstStep">The first step, from 1.</param>
    /// <param name="lastStep">The last step.</param>
    /// <param name="augmentation">Random changes to the images; null for none.</param>
    BatchPipeline Prepare(ImageSource source, ulong seed, long firstStep, long lastStep, Augmentation? augmentation);

    /// <summary>Takes a step.</summary>
    /// <param name="batches">The batches.</param>
    /// <param name="step">Its number, from 1.</param>
    /// <param name="withMetrics">Whether the metrics will be read.</param>
    /// <param name="stop">Whether this process wishes to stop after the step.</param>
    /// <returns>Whether any process wishes that.</returns>
    bool Run(BatchPipeline batches, long step, bool withMetrics, bool stop);

    /// <summary>A scalar metric of the last step that was run with metrics.</summary>
    float Metric(string name);

    /// <summary>Loads the programs that a plan needs.</summary>
    /// <param name="package">The package.</param>
    /// <param name="plan">How its batches are computed.</param>
    /// <param name="states">The states.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <param name="group">The processes that compute them.</param>
    static IStepRunner Load(TrainingPackage package, BatchPlan plan, StateBuffers states, int threads, ProcessGroup group) =>
        plan.IsWhole ? new FusedStepRunner(package, states, threads) : new SplitStepRunner(package, plan, states, threads, group);
}
