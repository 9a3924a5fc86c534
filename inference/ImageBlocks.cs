using System.Runtime.CompilerServices;

namespace OnnxVae.Inference;

/// <summary>
/// Images are worked on in whole blocks that begin at multiples of a fixed size, whatever part of them is wanted: kernels may round
/// otherwise for other numbers of images, so only this makes image k the same bytes in every stream, job, shard and restart.
/// </summary>
internal static class ImageBlocks
{
    private const int LargestBlock = 256;
    private const int Values = 1 << 16; // larger blocks of deep networks leave the cache, smaller ones are many

    /// <summary>Images in a block: a power of two, for images of so many values.</summary>
    public static int Size(int imageSize)
    {
        int size = LargestBlock;
        while (size > 1 && (long)size * imageSize > Values)
        {
            size /= 2;
        }

        return size;
    }

    /// <summary>Works through blocks on several threads; results come in order, and only a few wait to be taken.</summary>
    /// <param name="range">The images that are wanted.</param>
    /// <param name="blockSize">Images in a block.</param>
    /// <param name="workers">Blocks at work at a time.</param>
    /// <param name="work">Takes the number of a block's first image, and which of its images are wanted.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public static async IAsyncEnumerable<T> RunAsync<T>(
        ImageRange range, int blockSize, int workers, Func<long, Range, T> work, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var gate = new SemaphoreSlim(workers);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pending = new Queue<Task<T>>();
        long next = range.First / blockSize * blockSize;
        try
        {
            while (true)
            {
                for (; next < range.End && pending.Count < 2 * workers; next += blockSize)
                {
                    pending.Enqueue(WorkAsync(next));
                }

                if (pending.Count == 0)
                {
                    yield break;
                }

                yield return await pending.Dequeue().ConfigureAwait(false);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(pending)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<T> WorkAsync(long block)
        {
            await gate.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                int first = (int)Math.Max(0, range.First - block), end = (int)Math.Min(blockSize, range.End - block);
                return await Task.Run(() => work(block, first..end), stop.Token).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
        }
    }
}
