using System.Runtime.ExceptionServices;
using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>Writes checkpoints on another thread, one at a time, while training continues.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="keep">How many of the newest checkpoints are kept.</param>
/// <param name="written">Called after each checkpoint has been written, on that other thread. If it fails, the next checkpoint is still written before that is reported.</param>
internal sealed class CheckpointWriter(RunFolder folder, int keep, Action<Checkpoint>? written) : IAsyncDisposable
{
    private Task pending = Task.CompletedTask;
    private ExceptionDispatchInfo? failure; // of what was called

    /// <summary>Starts writing a checkpoint once the previous one is written.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="isBest">Whether it is the best one so far, which is kept besides.</param>
    /// <exception cref="IOException">The previous one could not be written.</exception>
    public async Task WriteAsync(Checkpoint checkpoint, bool isBest)
    {
        await pending.ConfigureAwait(false);
        bool hasFailed = failure is not null;
        pending = Task.Run(() => Write(checkpoint, isBest));
        if (hasFailed)
        {
            await FinishAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Waits until everything is written.</summary>
    /// <exception cref="IOException">A checkpoint could not be written.</exception>
    public async Task FinishAsync()
    {
        await pending.ConfigureAwait(false);
        failure?.Throw();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Write(Checkpoint checkpoint, bool isBest)
    {
        checkpoint.Save(folder.CheckpointAt(checkpoint.Step));
        if (isBest)
        {
            using var saved = File.OpenRead(folder.CheckpointAt(checkpoint.Step)); // copied: its checksum is computed once
            AtomicFile.Write(folder.Best, saved.CopyTo);
        }

        foreach (string old in folder.ListCheckpoints().SkipLast(keep))
        {
            File.Delete(old);
        }

        try
        {
            written?.Invoke(checkpoint);
        }
        catch (Exception e)
        {
            failure ??= ExceptionDispatchInfo.Capture(e); // thrown by whoever waits
        }
    }
}
