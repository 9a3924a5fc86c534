namespace OnnxVae.Inference;

/// <summary>Where and how an encoder or decoder runs.</summary>
/// <param name="Device">The execution provider; the processor, if left out.</param>
/// <param name="Threads">Threads of the processor; 0 for one per logical processor.</param>
/// <param name="ThreadsPerRun">
/// How many of them share one run: all (0) for the shortest time of a single call, 1 for the most images per second where several calls or
/// blocks are at work, as in streams and jobs.
/// </param>
/// <param name="ImagesAtWork">Bounds the memory of streams: at most so many images at work, but always a block; unbounded, if left out.</param>
/// <param name="WarmUp">Whether to run once while loading, so that the first call is as fast as the next ones.</param>
public sealed record VaeOptions(OnnxDevice? Device = null, int Threads = 0, int ThreadsPerRun = 0, int? ImagesAtWork = null, bool WarmUp = false)
{
    internal int AllThreads => Threads > 0 ? Threads : Environment.ProcessorCount;

    internal int ThreadsOfRun => ThreadsPerRun > 0 ? Math.Min(ThreadsPerRun, AllThreads) : AllThreads;

    /// <summary>Runs at work at a time: more would only wait for each other and hold memory.</summary>
    internal int RunsAtOnce(int imageSize) => Math.Clamp((ImagesAtWork ?? int.MaxValue) / ImageBlocks.Size(imageSize), 1, AllThreads / ThreadsOfRun);
}
