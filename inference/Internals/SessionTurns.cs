
namespace OnnxVae.Inference.Internals;

/// <summary>
/// A model's sessions, and the limit on concurrent runs. Unless the options say otherwise, a run that is alone uses all threads, for
/// the lowest latency; overlapping runs use one thread each, for the highest throughput, in a second session that is opened when runs first
/// overlap. The number of threads does not change a bit of the results.
/// </summary>
internal sealed class SessionTurns : IDisposable
{
    private readonly Func<OnnxSession?> openTogether;
    private readonly Action? release;
    private readonly SemaphoreSlim free;
    private readonly object opening = new();
    private readonly string kind;
    private OnnxSession? together;
    private int callers;
    private int disposals;

    /// <param name="alone">For runs that are alone.</param>
    /// <param name="openTogether">Opens a session for runs that overlap; null where it is the same session, or if it can no longer be opened.</param>
    /// <param name="atOnce">Maximum number of concurrent runs; others wait, so that memory stays bounded.</param>
    /// <param name="kind">What the model is, for messages.</param>
    /// <param name="release">Frees what runs use besides the sessions; called once, after the last run, while there are still sessions.</param>
    public SessionTurns(OnnxSession alone, Func<OnnxSession?> openTogether, int atOnce, string kind, Action? release = null)
    {
        (Alone, AtOnce, this.openTogether, this.kind, this.release) = (alone, atOnce, openTogether, kind, release);
        free = new SemaphoreSlim(atOnce);
    }

    public OnnxSession Alone { get; }

    public int AtOnce { get; }

    /// <summary>Waits for a turn; disposing it ends it.</summary>
    /// <exception cref="ObjectDisposedException">The sessions have been disposed.</exception>
    public Turn Take()
    {
        bool isAlone = Interlocked.Increment(ref callers) == 1;
        free.Wait();
        return Begin(isAlone);
    }

    /// <summary>Waits for a turn without blocking the thread; disposing it ends it.</summary>
    /// <exception cref="ObjectDisposedException">The sessions have been disposed.</exception>
    public async ValueTask<Turn> TakeAsync(CancellationToken cancellation)
    {
        bool isAlone = Interlocked.Increment(ref callers) == 1;
        try
        {
            await free.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            Interlocked.Decrement(ref callers);
            throw;
        }

        return Begin(isAlone);
    }

    private Turn Begin(bool isAlone)
    {
        try
        {
            return Volatile.Read(ref disposals) > 0
                ? throw new ObjectDisposedException(kind, $"The {kind} was disposed: keep it as long as it is used.")
                : new Turn(this, isAlone ? Alone : Together());
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>Waits for runs in progress; later ones, and those still waiting, are rejected. Further calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Increment(ref disposals) > 1)
        {
            return;
        }

        for (int i = 0; i < AtOnce; i++)
        {
            free.Wait();
        }

        release?.Invoke();
        Alone.Dispose();
        together?.Dispose(); // disposed twice if it is the same session
        free.Release(AtOnce);
    }

    // If it cannot be opened, the next caller tries again.
    private OnnxSession Together()
    {
        lock (opening)
        {
            return together ??= openTogether() ?? Alone;
        }
    }

    private void Leave()
    {
        free.Release();
        Interlocked.Decrement(ref callers);
    }

    public readonly struct Turn(SessionTurns turns, OnnxSession session) : IDisposable
    {
        public OnnxSession Session => session;

        public void Dispose() => turns.Leave();
    }
}
