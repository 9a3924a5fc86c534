using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>Where and how an encoder or decoder runs.</summary>
public sealed record VaeOptions
{
    /// <summary>The execution provider; the CPU if omitted.</summary>
    public OnnxDevice? Device { get; init; }

    /// <summary>CPU threads; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// How many of them share one run. If omitted, a run that is alone uses all of them, for the lowest latency; overlapping runs (several
    /// callers, the blocks of a stream) use one each, for the highest throughput, and the model is loaded a second time when that first
    /// happens. Set a number to load it only once.
    /// </summary>
    public int? ThreadsPerRun { get; init; }

    /// <summary>
    /// Limits the memory of streams and of overlapping calls: the maximum number of images in progress, but at least one block; if omitted, as many
    /// blocks as runs fit into the threads.
    /// </summary>
    public int? MaxImagesInProgress { get; init; }

    /// <summary>Whether to run once while loading, so that the first call is as fast as later ones.</summary>
    public bool WarmUp { get; init; }

    internal int AllThreads => Threads > 0 ? Threads : Environment.ProcessorCount;

    internal int ThreadsOfLoneRun => ThreadsPerRun is { } some ? Math.Min(some, AllThreads) : AllThreads;

    // Other devices do not compute on these threads.
    internal int ThreadsOfRun => ThreadsPerRun is { } some ? Math.Min(some, AllThreads) : Device is null or { IsProcessor: true } ? 1 : AllThreads;

    /// <summary>Maximum number of concurrent runs: more would only wait for each other and hold memory.</summary>
    internal int MaxConcurrentRuns(int imageSize) => Math.Clamp((MaxImagesInProgress ?? int.MaxValue) / ImageBlocks.Size(imageSize), 1, AllThreads / ThreadsOfRun);

    /// <exception cref="ArgumentOutOfRangeException">A number is negative, or 0 where 0 has no meaning.</exception>
    internal void Validate()
    {
        OnnxDevice.RequireThreads(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(ThreadsPerRun ?? 1, 1, nameof(ThreadsPerRun));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxImagesInProgress ?? 1, 1, nameof(MaxImagesInProgress));
    }
}
