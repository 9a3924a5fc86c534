using OnnxVae.Format;

namespace OnnxVae.Training.Runs;

/// <summary>Writes checkpoints on another thread, one at a time, while training continues.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="keep">How many of the newest checkpoints are kept.</param>
/// <param name="written">Called after each checkpoint has been written, on that other thread.</param>
internal sealed class CheckpointWriter(RunFolder folder, int keep, Action<Checkpoint>? written) : IAsyncDisposable
{
    private Task pending = Task.CompletedTask;

    /// <summary>Starts writing a checkpoint once the previous one is written.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="isBest">Whether it is the best one so far, which is kept besides.</param>
    /// <exception cref="IOException">The previous one could not be written.</exception>
    public async Task WriteAsync(Checkpoint checkpoint, bool isBest)
    {
        await pending.ConfigureAwait(false);
        pending = Task.Run(() => Write(checkpoint, isBest));
    }

    /// <summary>Waits until everything is written.</summary>
    /// <exception cref="IOException">A checkpoint could not be written.</exception>
    public Task FinishAsync() => pending;

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

        written?.Invoke(checkpoint);
    }
}
