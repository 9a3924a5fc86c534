using System.Diagnostics;

namespace OnnxVae.Benchmarks;

/// <summary>Measures what depends on what else a process has done.</summary>
internal static class OwnProcess
{
    /// <summary>Runs this program with other arguments.</summary>
    /// <returns>What it prints.</returns>
    /// <exception cref="InvalidOperationException">It fails.</exception>
    public static string Run(params IEnumerable<string> arguments) => Start(Environment.ProcessPath!, arguments);

    /// <summary>Has another program run this one with other arguments.</summary>
    /// <param name="program">The other program.</param>
    /// <param name="before">Its own arguments.</param>
    /// <param name="arguments">Those of this program.</param>
    /// <returns>What it prints.</returns>
    /// <exception cref="InvalidOperationException">It fails.</exception>
    public static string RunWith(string program, IEnumerable<string> before, IEnumerable<string> arguments) => Start(program, [.. before, Environment.ProcessPath!, .. arguments]);

    private static string Start(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended with exit code {process.ExitCode}.");
    }
}
