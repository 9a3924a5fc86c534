using System.Diagnostics;
using OnnxVae.Cli;

namespace OnnxVae.Tests.Support;

/// <summary>Runs the command line: inside this process, or as a process of its own.</summary>
internal static class Cli
{
    /// <summary>Exit code and what went to standard output and standard error.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments)
    {
        var (output, error) = (Console.Out, Console.Error);
        using StringWriter newOutput = new(), newError = new();
        try
        {
            Console.SetOut(newOutput);
            Console.SetError(newError);
            int exitCode = CommandLine.RunAsync(arguments).GetAwaiter().GetResult();
            return (exitCode, newOutput.ToString(), newError.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    /// <summary>Runs a command that has to succeed.</summary>
    /// <returns>What went to standard output.</returns>
    public static string Succeed(params string[] arguments)
    {
        var (exitCode, output, error) = Run(arguments);
        Assert.That(exitCode, Is.Zero, error);
        return output;
    }

    /// <summary>Starts a process whose output is redirected. It listens to signals even where the tests were told to ignore them, as background jobs of a shell and what runs under nohup are.</summary>
    public static Process Start(params string[] arguments)
    {
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "onnxvae.dll"), .. arguments];
        var start = OperatingSystem.IsLinux() ? new ProcessStartInfo("env", ["--default-signal=INT,TERM,HUP", .. command]) : new ProcessStartInfo(command[0], command[1..]);
        (start.RedirectStandardError, start.RedirectStandardOutput) = (true, true);
        return Process.Start(start)!;
    }

    /// <summary>Starts a process that may write only where everybody may.</summary>
    public static Process StartUnprivileged(params string[] arguments)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("Giving up the rights of an administrator is done with Linux's setpriv.");
        }

        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "onnxvae.dll"), .. arguments];
        var start = Environment.UserName == "root"
            ? new ProcessStartInfo("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", .. command])
            : new ProcessStartInfo(command[0], command[1..]);
        (start.RedirectStandardError, start.RedirectStandardOutput) = (true, true);
        return Process.Start(start)!;
    }

    /// <summary>Starts a process and kills it as soon as a condition holds; again, where it was done before it could be killed.</summary>
    /// <param name="condition">When to kill it.</param>
    /// <param name="isFinished">Whether it was done.</param>
    /// <param name="reset">Removes what it has done.</param>
    /// <param name="arguments">The command.</param>
    public static void StartAndKill(Func<bool> condition, Func<bool> isFinished, Action reset, params string[] arguments)
    {
        const int attempts = 5;
        for (int attempt = 1; attempt <= attempts; attempt++, reset())
        {
            using var process = Start(arguments);
            while (!condition() && !process.HasExited)
            {
                Thread.Sleep(1);
            }

            process.Kill(entireProcessTree: true); // SIGKILL
            process.WaitForExit();
            if (!isFinished())
            {
                return;
            }
        }

        Assert.Fail($"In {attempts} attempts '{string.Join(' ', arguments)}' was done before it could be killed.");
    }

    /// <summary>Waits until a condition holds.</summary>
    public static void WaitFor(Func<bool> condition, Process process)
    {
        var time = Stopwatch.StartNew();
        while (!condition())
        {
            bool hasExited = process.HasExited;
            if (hasExited && condition())
            {
                return;
            }

            if (hasExited || time.Elapsed > TimeSpan.FromMinutes(5))
            {
                process.Kill();
                Assert.Fail($"What was waited for did not happen: {process.StandardError.ReadToEnd()}");
            }

            Thread.Sleep(10);
        }
    }
}
