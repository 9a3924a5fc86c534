using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OnnxVae.Cli.Terminal;

/// <summary>
/// Stops work gracefully when the process is interrupted, terminated, or loses its terminal: the first signal cancels, so that a
/// checkpoint can be written; a second one, or two minutes, end the process at once. Signals that arrive together, as when job managers
/// signal both a process and its group, count as one.
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
    private readonly string? message;
    private int signals;

    /// <summary>Starts listening.</summary>
    /// <param name="message">What is said at the first signal; null for nothing.</param>
    public Interruption(string? message)
    {
        this.message = message;
        registrations = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP]).Select(signal => PosixSignalRegistration.Create(signal, Receive))];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => source.Token;

    // After a signal, keep listening for further ones: the process is about to end.
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
        context.Cancel = true; // suppresses the signal's default action
        if (Interlocked.Increment(ref signals) > 1)
        {
            if (sinceFirst.Elapsed > Together)
            {
                Exit();
            }

            return;
        }

        sinceFirst.Start();

        if (message is not null)
        {
            Console.Error.WriteLine(message);
        }

        deadline.Change(TimeToStop, Timeout.InfiniteTimeSpan);
        Task.Run(source.Cancel);
    }

    /// <summary>Ends the process without waiting for native code that is running on other threads.</summary>
    public static void Exit()
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
