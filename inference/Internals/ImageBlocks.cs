using System.Runtime.CompilerServices;

namespace OnnxVae.Inference.Internals;

/// <summary>
/// Images are processed in whole blocks that start at multiples of a fixed size, whichever part of a block is wanted: kernels may round
/// differently for other batch sizes, so only this makes image k the same bytes in every stream, job, shard and restart.
/// </summary>
internal static class ImageBlocks
{
    private const int LargestBlock = 256;
    private const int Values = 1 << 16; // larger blocks of deep networks fall out of the cache, smaller ones add overhead per block

    /// <summary>Images per block: a power of two, for images with this many values.</summary>
    public static int Size(int imageSize)
    {
        int size = LargestBlock;
        while (size > 1 && (long)size * imageSize > Values)
        {
            size /= 2;
        }

        return size;
    }

    /// <summary>The blocks that cover a range of images: the number of a block's first image, and which of its images are wanted.</summary>
    /// <param name="range">The images that are wanted.</param>
    /// <param name="blockSize">Images per block.</param>
    public static IEnumerable<(long Block, Range Wanted)> Of(ImageRange range, int blockSize)
    {
        for (long block = range.First / blockSize * blockSize; block < range.End; block += blockSize)
        {
            yield return (block, (int)Math.Max(0, range.First - block)..(int)Math.Min(blockSize, range.End - block));
        }
    }

    /// <summary>Splits rows at block boundaries: the number of the first row present in each block, and its rows.</summary>
    /// <param name="first">The number of the first row.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="blockSize">Rows per block.</param>
    public static IEnumerable<(long First, T[] Rows)> Of<T>(long first, IEnumerable<T> rows, int blockSize)
    {
        var block = new List<T>(blockSize);
        foreach (var row in rows)
        {
            block.Add(row);
            if ((first + block.Count) % blockSize == 0)
            {
                yield return (first, [.. block]);
                first += block.Count;
                block.Clear();
            }
        }

        if (block.Count > 0)
        {
            yield return (first, [.. block]);
        }
    }

    /// <summary>Processes blocks on several threads; results come in order, and only a few are buffered.</summary>
    /// <param name="blocks">The blocks; read in order, a few ahead.</param>
    /// <param name="workers">Maximum number of blocks in progress.</param>
    /// <param name="work">Processes one block.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public static async IAsyncEnumerable<T> RunAsync<TBlock, T>(
        IEnumerable<TBlock> blocks, int workers, Func<TBlock, T> work, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var source = blocks.GetEnumerator();
        using var gate = new SemaphoreSlim(workers);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pending = new Queue<Task<T>>();
        try
        {
            while (true)
            {
                while (pending.Count < 2 * workers && source.MoveNext())
                {
                    pending.Enqueue(WorkAsync(source.Current));
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

        async Task<T> WorkAsync(TBlock block)
        {
            await gate.WaitAsync(stop.Token).ConfigureAwait(false);
            try
            {
                return await Task.Run(() => work(block), stop.Token).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
        }
    }
}
