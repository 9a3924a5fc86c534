using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OnnxVae.Cli.Terminal;

/// <summary>
/// Ends work in an orderly way when the process is interrupted, asked to end, or loses its terminal: the first signal cancels, so that a
/// checkpoint can be written; a second one, or two minutes, end the process at once. Signals that come together, as job managers send them to a process and to its
/// group, count as one.
/// </summary>
internal sealed class Interruption : IDisposable
{
    // Long enough for a training step and a checkpoint.
    private static readonly TimeSpan TimeToStop = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private readonly Timer deadline = new(_ => Exit());
    private readonly Stopwatch sinceFirst = new();
    private int signals;

    /// <summary>Listens from now on.</summary>
    public Interruption() => registrations = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP]).Select(signal => PosixSignalRegistration.Create(signal, Receive))];

    /// <summary>Is cancelled at the first signal.</summary>
    public CancellationToken Token => source.Token;

    // Once a signal has come, further ones are still listened to: the process is about to end.
    public void Dispose()
    {
        if (signals > 0)
        {
            return;
        }

        Array.ForEach(registrations, registration => registration.Dispose());
        deadline.Dispose();
        source.Dispose();
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true; // of what the signal does by itself
        if (Interlocked.Increment(ref signals) > 1)
        {
            if (sinceFirst.Elapsed > Together)
            {
                Exit();
            }

            return;
        }

        sinceFirst.Start();

        Console.Error.WriteLine("Stopping; a second signal ends at once.");
        deadline.Change(TimeToStop, Timeout.InfiniteTimeSpan);
        Task.Run(source.Cancel);
    }

    // Without waiting for native code that other threads are in.
    private static void Exit()
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.Exit(ExitCode.Interrupted);
        }

        ExitNow(ExitCode.Interrupted);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ExitNow(int code);
}
