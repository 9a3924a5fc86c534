using System.Diagnostics;
using System.Globalization;

namespace OnnxVae.Tests.Support;

/// <summary>Runs the command line in several processes.</summary>
internal static class Mpi
{
    public const string Open = "mpirun.openmpi", Mpich = "mpirun.mpich";

    /// <summary>Starts processes, more than there are processors if need be.</summary>
    /// <param name="launcher">What starts them; where it is missing, the test is ignored.</param>
    /// <param name="ranks">How many.</param>
    /// <param name="arguments">The command.</param>
    public static Process Start(string launcher, int ranks, params string[] arguments) => Start(launcher, ["-n", $"{ranks}", .. Command(arguments)]);

    /// <summary>Starts a process in each of several folders.</summary>
    public static Process StartIn(string launcher, IReadOnlyList<string> folders, params string[] arguments) =>
        Start(launcher, [.. folders.SelectMany(folder => (string[])[":", "-n", "1", "--wdir", folder, .. Command(arguments)]).Skip(1)]);

    /// <summary>Runs another program than the command line.</summary>
    /// <param name="ranks">How many processes.</param>
    /// <param name="program">The program and its arguments.</param>
    public static (int ExitCode, string Output, string Error) RunProgram(int ranks, params string[] program)
    {
        using var process = Start(Open, ["-n", $"{ranks}", "dotnet", .. program]);
        return End(process);
    }

    private static string[] Command(string[] arguments) => ["dotnet", Path.Combine(AppContext.BaseDirectory, "onnxvae.dll"), .. arguments];

    private static Process Start(string launcher, string[] processes)
    {
        string file = Find(launcher);
        string[] settings = launcher == Open ? ["--oversubscribe", "--mca", "btl_vader_single_copy_mechanism", "none"] : [];
        var start = new ProcessStartInfo("env", ["--default-signal=INT,TERM,HUP", file, .. settings, .. processes])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["OMPI_ALLOW_RUN_AS_ROOT"] = start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Exit code and what went to standard output and standard error.</summary>
    public static (int ExitCode, string Output, string Error) Run(string launcher, int ranks, params string[] arguments)
    {
        using var process = Start(launcher, ranks, arguments);
        return End(process);
    }

    /// <summary>Waits for the end.</summary>
    public static (int ExitCode, string Output, string Error) End(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Runs a command that has to succeed.</summary>
    public static void Succeed(string launcher, int ranks, params string[] arguments)
    {
        var (exitCode, output, error) = Run(launcher, ranks, arguments);
        Assert.That(exitCode, Is.Zero, output + error);
    }

    /// <summary>The process of a rank.</summary>
    /// <param name="launcher">The launcher's process.</param>
    /// <param name="rank">The rank.</param>
    public static Process RankOf(Process launcher, int rank)
    {
        string marker = $"OMPI_COMM_WORLD_RANK={rank}\0";
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                if (File.ReadAllText($"{folder}/environ") is { } variables && variables.Contains(marker, StringComparison.Ordinal) && ParentOf(folder) == launcher.Id)
                {
                    return Process.GetProcessById(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is another user's.
            }
        }

        throw new InvalidOperationException($"There is no rank {rank}.");
    }

    private static int ParentOf(string folder) => int.Parse(File.ReadLines($"{folder}/status").First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..], CultureInfo.InvariantCulture);

    /// <summary>A launcher's file; where it is missing, the test is ignored.</summary>
    public static string Find(string launcher)
    {
        string? file = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(folder => Path.Combine(folder, launcher)).FirstOrDefault(File.Exists);
        if (!OperatingSystem.IsLinux() || file is null)
        {
            Assert.Ignore($"There is no {launcher}: install Debian's packages openmpi-bin and mpich.");
        }

        return file!;
    }
}
