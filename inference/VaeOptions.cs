using OnnxVae.Inference.Internals;

namespace OnnxVae.Inference;

/// <summary>Where and how an encoder or decoder runs.</summary>
public sealed record VaeOptions
{
    /// <summary>The execution provider; the processor, if left out.</summary>
    public OnnxDevice? Device { get; init; }

    /// <summary>Threads of the processor; 0 for one per logical processor.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// How many of them share one run. If left out, all of them share a run that is alone, for the shortest time; runs that overlap (several
    /// callers, the blocks of a stream) have one each, for the most images per second, and the model is loaded a second time when that first
    /// happens. Give a number to have it loaded once only.
    /// </summary>
    public int? ThreadsPerRun { get; init; }

    /// <summary>Bounds the memory of streams and of overlapping calls: at most so many images at work in blocks, but always a block; as many blocks as runs fit into the threads, if left out.</summary>
    public int? ImagesAtWork { get; init; }

    /// <summary>Whether to run once while loading, so that the first call is as fast as the next ones.</summary>
    public bool WarmUp { get; init; }

    internal int AllThreads => Threads > 0 ? Threads : Environment.ProcessorCount;

    internal int ThreadsOfLoneRun => ThreadsPerRun is { } some ? Math.Min(some, AllThreads) : AllThreads;

    // Other devices compute by themselves.
    internal int ThreadsOfRun => ThreadsPerRun is { } some ? Math.Min(some, AllThreads) : Device is null || Device == OnnxDevice.Cpu ? 1 : AllThreads;

    /// <summary>Runs at work at a time: more would only wait for each other and hold memory.</summary>
    internal int RunsAtOnce(int imageSize) => Math.Clamp((ImagesAtWork ?? int.MaxValue) / ImageBlocks.Size(imageSize), 1, AllThreads / ThreadsOfRun);

    /// <exception cref="ArgumentOutOfRangeException">A number is negative, or 0 where that means nothing.</exception>
    internal void Validate()
    {
        OnnxDevice.RequireThreads(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(ThreadsPerRun ?? 1, 1, nameof(ThreadsPerRun));
        ArgumentOutOfRangeException.ThrowIfLessThan(ImagesAtWork ?? 1, 1, nameof(ImagesAtWork));
    }
}
