using System.Diagnostics;
using System.Numerics.Tensors;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Distributed;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Steps;

/// <summary>
/// Takes training steps with two programs, on batches in parts: gradients of each part, one after the other, then the update, which all processes compute alike from
/// the contributions of all.
/// </summary>
internal sealed class SplitStepRunner : IStepRunner
{
    private const int Stop = 0, Reducing = 1, FurtherNumbers = 2;

    private readonly SplitSpec programs;
    private readonly BatchPlan plan;
    private readonly BatchParts parts;
    private readonly ProgramRunner gradients, apply;
    private readonly Contributions total;
    private readonly Contributions? ofPart; // where a process has several
    private readonly ProcessGroup group;
    private TimeSpan reduction; // the last one in this process

    /// <param name="package">The package.</param>
    /// <param name="plan">How its batches are computed.</param>
    /// <param name="states">The states.</param>
    /// <param name="threads">CPU threads; 0 for one per logical processor.</param>
    /// <param name="group">The processes.</param>
    public SplitStepRunner(TrainingPackage package, BatchPlan plan, StateBuffers states, int threads, ProcessGroup group)
    {
        (programs, this.plan, this.group, parts) = (package.Manifest.Split!, plan, group, plan.PartsOf(group));
        total = new Contributions(programs.Gradients, FurtherNumbers);
        try
        {
            ofPart = parts.Count == 1 ? null : new Contributions(programs.Gradients);
            gradients = new ProgramRunner(package, programs.Gradients, states, threads, (ofPart ?? total).Values);
            apply = new ProgramRunner(package, programs.Apply, states, threads, total.Values);
        }
        catch
        {
            gradients?.Dispose();
            Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public TimeSpan ComputingTime => gradients.ComputingTime + apply.ComputingTime;

    /// <inheritdoc/>
    public TimeSpan ReducingTime { get; private set; }

    /// <inheritdoc/>
    public BatchPipeline Prepare(ImageSource source, ulong seed, long firstStep, long lastStep, Augmentation? augmentation) =>
        new(programs.Gradients, source, seed, firstStep, lastStep, augmentation, parts);

    /// <inheritdoc/>
    public bool Run(BatchPipeline batches, long step, bool withMetrics, bool stop)
    {
        gradients.FillSchedules(step);
        for (int i = 0; i < parts.Count; i++)
        {
            batches.FillNext(gradients);
            gradients.Run(withMetrics);
            Add(isFirst: i == 0);
        }

        if (group.Rank > 0)
        {
            total.OfFirstPart.Clear();
        }

        if (!plan.IsWhole)
        {
            TensorPrimitives.Multiply(total.Means, 1f / plan.Parts, total.Means);
        }

        bool anyStop = Reduce(stop);
        apply.FillSchedules(step);
        apply.Run(withMetrics);
        return anyStop;
    }

    /// <inheritdoc/>
    /// <remarks>Those of gradients are averages over parts, if that is what they are for; of others it is that of this process's last part.</remarks>
    public float Metric(string name) => programs.Apply.Metrics.Any(metric => metric.Name == name) ? apply.Metric(name)[0]
        : total.Values.TryGetValue(name, out var value) ? value.GetTensorDataAsSpan<float>()[0]
        : gradients.Metric(name)[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        gradients.Dispose();
        apply.Dispose();
        Release();
    }

    // Where a process has one part only, that is the total.
    private void Add(bool isFirst)
    {
        if (isFirst)
        {
            ofPart?.All.CopyTo(total.All);
        }
        else
        {
            TensorPrimitives.Add(total.OfAllParts, ofPart!.OfAllParts, total.OfAllParts);
        }
    }

    private bool Reduce(bool stop)
    {
        if (group.Size == 1)
        {
            return stop;
        }

        long start = Stopwatch.GetTimestamp();
        total.Further[Stop] = stop ? 1 : 0;
        total.Further[Reducing] = (float)reduction.TotalSeconds / group.Size;
        group.Sum(total.All);
        reduction = Stopwatch.GetElapsedTime(start);
        ReducingTime += TimeSpan.FromSeconds(total.Further[Reducing]); // of the step before
        return total.Further[Stop] > 0;
    }

    private void Release()
    {
        total.Dispose();
        ofPart?.Dispose();
    }
}
