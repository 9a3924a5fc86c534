
namespace OnnxVae.Inference.Internals;

/// <summary>
/// The sessions of a model, and the turns of those who run it. Unless the options say otherwise, a run that is alone has all threads, for
/// the shortest time; runs that overlap have one each, for the most of them, in a second session that the first such run opens. The number
/// of threads does not change a bit of the results.
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
    /// <param name="openTogether">Opens a session for runs that overlap; null where that is the same one, or if it cannot be opened any more.</param>
    /// <param name="atOnce">Runs at work at a time; others wait, so that memory stays bounded.</param>
    /// <param name="kind">What the model is, for messages.</param>
    /// <param name="release">Frees what runs use beside the sessions; called once, when no run is at work any more.</param>
    public SessionTurns(OnnxSession alone, Func<OnnxSession?> openTogether, int atOnce, string kind, Action? release = null)
    {
        (Alone, AtOnce, this.openTogether, this.kind, this.release) = (alone, atOnce, openTogether, kind, release);
        free = new SemaphoreSlim(atOnce);
    }

    public OnnxSession Alone { get; }

    public int AtOnce { get; }

    /// <summary>Waits for a turn; disposing it ends it.</summary>
    /// <exception cref="ObjectDisposedException">It is too late.</exception>
    public Turn Take()
    {
        bool isAlone = Interlocked.Increment(ref callers) == 1;
        free.Wait();
        return Begin(isAlone);
    }

    /// <summary>Waits for a turn without blocking the thread; disposing it ends it.</summary>
    /// <exception cref="ObjectDisposedException">It is too late.</exception>
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

    /// <summary>Waits for the runs that are at work; later ones, and those who wait, are refused. Further calls do nothing.</summary>
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

        Alone.Dispose();
        together?.Dispose(); // twice, where it is the same
        release?.Invoke();
        free.Release(AtOnce);
    }

    // Where it cannot be opened, the next caller tries again.
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
