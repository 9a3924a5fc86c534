using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using OnnxVae.Format;
using OnnxVae.Training.Runtime;

namespace OnnxVae.Training.Data;

/// <summary>Everything that one run of a program takes from outside: images, labels, conditions, and noise in the order of the program's inputs.</summary>
/// <param name="Images">UInt8 [B, C, ...]; empty for a program that takes real numbers.</param>
/// <param name="Values">Float32 [B, C, ...]; empty for a program that takes 8-bit values.</param>
/// <param name="Labels">The images' classes, Int64 [B]; empty for a program without labels.</param>
/// <param name="Conditions">What the model is given for each image, Float32 [B, K]; empty for a program without conditions.</param>
/// <param name="Noise">The random numbers of each noise input, in the program's order.</param>
public sealed record Batch(byte[] Images, float[] Values, long[] Labels, float[] Conditions, IReadOnlyList<float[]> Noise);

/// <summary>
/// Prepares batches, or parts of them, on another thread, some ahead. The content of a batch depends on the seed and the step alone, so training can start at any
/// step, and parts have what the whole batch would have.
/// </summary>
public sealed class BatchPipeline : IAsyncDisposable
{
    private const int Ahead = 4;

    private readonly ProgramSpec program;
    private readonly ProgramNoise noise;
    private readonly ImageSource source;
    private readonly ulong seed;
    private readonly Augmenter? augmenter;
    private readonly BatchParts parts;
    private readonly byte[] originalPixels; // of one image, for the augmenter
    private readonly float[] originalValues;
    private readonly Channel<Batch> ready = Channel.CreateBounded<Batch>(Ahead);
    private readonly Channel<Batch> used = Channel.CreateUnbounded<Batch>();
    private readonly CancellationTokenSource stop = new();
    private readonly Task worker;

    /// <summary>Starts preparing batches.</summary>
    /// <param name="program">The program they are for; of a batch in parts, the one that takes a part.</param>
    /// <param name="source">The images.</param>
    /// <param name="seed">Random seed of their order and the noise.</param>
    /// <param name="firstStep">The step of the first batch, from 1.</param>
    /// <param name="lastStep">The step of the last batch.</param>
    /// <param name="augmentation">Random changes to the images; null for none.</param>
    /// <param name="parts">Which parts of batches are prepared; null for whole batches.</param>
    /// <exception cref="InvalidDataException">The images do not fit the program, or there are fewer than one batch.</exception>
    /// <exception cref="ArgumentException">The changes do not fit the images.</exception>
    public BatchPipeline(ProgramSpec program, ImageSource source, ulong seed, long firstStep, long lastStep, Augmentation? augmentation = null, BatchParts? parts = null)
    {
        (this.program, noise, this.source, this.seed, this.parts) = (program, new ProgramNoise(program), source, seed, parts ?? BatchParts.Whole);
        ImageRequirements.RequireFit(program, source);
        ImageRequirements.RequireBatch(source, BatchSize);
        augmenter = augmentation is null or { IsNone: true } ? null : new Augmenter(augmentation, source, seed);
        (originalPixels, originalValues) = augmenter is null ? ([], []) : IsReal ? ([], new float[source.ImageSize]) : (new byte[source.ImageSize], Array.Empty<float>());
        worker = Task.Run(() => PrepareAsync(firstStep, lastStep));
    }

    /// <summary>The number of full batches per epoch; the images left over differ from epoch to epoch.</summary>
    public static long StepsPerEpoch(ImageSource source, long batchSize) => source.Count / batchSize;

    /// <summary>Whether the queue of prepared batches is full.</summary>
    internal bool IsAhead => ready.Reader.Count == Ahead;

    /// <summary>The next batch, or the next part of one; waits if it is not ready.</summary>
    /// <exception cref="InvalidDataException">An image could not be read.</exception>
    public Batch Next()
    {
        if (ready.Reader.TryRead(out var batch))
        {
            return batch;
        }

        try
        {
            return ready.Reader.ReadAsync().AsTask().GetAwaiter().GetResult();
        }
        catch (ChannelClosedException e) when (e.InnerException is { } cause)
        {
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    /// <summary>Fills the inputs of a program with the next batch, or the next part of one.</summary>
    internal void FillNext(ProgramRunner runner)
    {
        var batch = Next();
        runner.Fill(batch.Images, batch.Values, batch.Labels, batch.Conditions, batch.Noise);
        Return(batch);
    }

    /// <summary>Returns a batch's memory for reuse.</summary>
    public void Return(Batch batch) => used.Writer.TryWrite(batch);

    /// <summary>Stops preparing batches.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await worker.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task PrepareAsync(long firstStep, long lastStep)
    {
        try
        {
            long stepsPerEpoch = StepsPerEpoch(source, BatchSize);
            Permutation? order = null;
            for (long step = firstStep, orderedEpoch = -1; step <= lastStep; step++)
            {
                var (epoch, position) = Math.DivRem(step - 1, stepsPerEpoch);
                if (epoch != orderedEpoch)
                {
                    (order, orderedEpoch) = (new Permutation(source.Count, seed, (ulong)epoch), epoch);
                }

                for (int part = parts.First; part < parts.First + parts.Count; part++)
                {
                    var batch = used.Reader.TryRead(out var old) ? old : Allocate();
                    for (int i = 0; i < Rows; i++)
                    {
                        int row = (part * Rows) + i;
                        Read(batch, i, order![(position * BatchSize) + row], (ulong)step, row);
                    }

                    noise.Fill(batch.Noise, seed, (ulong)step, part, parts.Total);
                    await ready.Writer.WriteAsync(batch, stop.Token).ConfigureAwait(false);
                }
            }

            ready.Writer.Complete();
        }
        catch (Exception e)
        {
            ready.Writer.TryComplete(e); // rethrown to whoever waits for the batch
        }
    }

    // An image becomes a row of a part; the other number is that of the row in the whole batch.
    private void Read(Batch batch, int i, long index, ulong step, int row)
    {
        if (batch.Values.Length > 0)
        {
            var image = batch.Values.AsSpan(i * source.ImageSize, source.ImageSize);
            source.ReadValues(index, image);
            augmenter?.Apply(image, originalValues, step, row);
        }
        else
        {
            var image = batch.Images.AsSpan(i * source.ImageSize, source.ImageSize);
            source.Read(index, image);
            augmenter?.Apply(image, originalPixels, step, row);
        }

        if (batch.Labels.Length > 0)
        {
            batch.Labels[i] = source.LabelOf(index);
        }

        if (batch.Conditions.Length > 0)
        {
            source.ReadCondition(index, batch.Conditions.AsSpan(i * source.ConditionSize, source.ConditionSize));
        }
    }

    // Images of a part, and of a whole batch.
    private int Rows => (int)program.Images.Shape[0];

    private int BatchSize => Rows * parts.Total;

    private bool IsReal => program.Images.Type == ElementType.Float32;

    private Batch Allocate() => new(
        new byte[IsReal ? 0 : program.Images.Shape.ElementCount], new float[IsReal ? program.Images.Shape.ElementCount : 0], new long[program.Labels?.Shape.ElementCount ?? 0], new float[program.Conditions?.Shape.ElementCount ?? 0], noise.Allocate());
}
