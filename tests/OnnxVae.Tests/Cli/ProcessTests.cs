using System.Diagnostics;
using System.Globalization;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Processes whose terminal, disk or home is not what they expect.</summary>
internal sealed class ProcessTests : FolderFixture
{
    private static readonly string[] Training =
        ["train", "--data", "sprites", "--model", "mlp", "--hidden", "32", "--steps", "100000", "--checkpoint-every", "100000", "--log-every", "10", "--importance-samples", "0"];

    [SetUp]
    public void RequireLinux()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Ignore("Signals, /dev and the home folder are those of Linux.");
        }
    }

    [TestCase("TERM")]
    [TestCase("INT")]
    public void Train_SignalledTwice_EndsAtOnce(string signal)
    {
        using var process = StartTraining();

        for (int i = 0; i < 20 && !process.HasExited; i++)
        {
            Signal(process, signal);
        }

        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(130), error);
        Assert.That(error, Does.Contain("Stopping; press Ctrl+C again to stop immediately.").And.Not.Contain("Unhandled").And.Not.Contain("   at "));
    }

    [Test]
    public void Train_WhoseTerminalIsClosed_WritesACheckpoint()
    {
        using var process = StartTraining();

        Signal(process, "HUP");

        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(130), error);
        Assert.That(new RunFolder(Folder["run"]).HasCheckpoint, "one after step 0");
        Assert.That(error, Does.Contain("a checkpoint is written"));
    }

    // As under nohup.
    [Test]
    public void Train_ThatWasToldToIgnoreAClosedTerminal_GoesOn()
    {
        using var process = Start("env", ["--ignore-signal=HUP", "dotnet", Program, .. Training, "--out", Folder["run"]]);
        var run = new RunFolder(Folder["run"]);
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= 2, process);

        Signal(process, "HUP");
        int lines = MetricsLog.Read(run.Metrics).Count;
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= lines + 3, process);

        process.Kill();
        process.WaitForExit();
    }

    [Test]
    public void Train_WithoutRoomForMessages_Finishes()
    {
        using var process = Start("bash", "-c", $"dotnet '{Program}' train --data sprites --model mlp --hidden 8 --batch 4 --steps 5 --importance-samples 0 --out '{Folder["run"]}' 2> /dev/full");

        process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(File.Exists(Folder["run/evaluation.json"]));
    }

    // As '2>&-' does it.
    [TestCase("train --data sprites --model mlp --hidden 8 --batch 4 --steps 5 --importance-samples 0 --out '{0}'", 0)]
    [TestCase("generate '{0}/nothing' --out '{0}/x'", 1)]
    [TestCase("train --data '{0}/nothing' --out '{0}/x'", 1)]
    public void Verbs_WithoutStandardError_EndAsTheyWouldWithIt(string command, int exitCode)
    {
        using var process = Start("bash", "-c", $"dotnet '{Program}' {string.Format(CultureInfo.InvariantCulture, command, Folder["run"])} 2>&-");

        process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.That(process.ExitCode, Is.EqualTo(exitCode));
    }

    [Test]
    public void Doctor_WithoutRoomForItsOutput_SaysSo()
    {
        using var process = Start("bash", "-c", $"dotnet '{Program}' doctor > /dev/full");

        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();

        Assert.That(process.ExitCode, Is.EqualTo(1));
        Assert.That(error, Does.StartWith("onnxvae: Standard output cannot be written to: ").And.Contain("No space left on device"));
    }

    // On systems whose C++ library is new enough there is no copy, and nothing to show.
    [TestCase("empty")]
    [TestCase("other bytes")]
    public void Doctor_WithADamagedCopyOfTheNativeLibrary_MakesItAnew(string damage)
    {
        string home = Directory.CreateDirectory(Folder["home"]).FullName;
        Assert.That(Doctor(home, Folder.Path).ExitCode, Is.Zero);
        string copy = RequireCopy(home);
        byte[] expected = File.ReadAllBytes(copy);
        File.WriteAllBytes(copy, damage == "empty" ? [] : [.. expected[..^1], (byte)(expected[^1] ^ 1)]);

        var (exitCode, output, error) = Doctor(home, Folder.Path);

        Assert.That(exitCode, Is.Zero, output + error);
        Assert.That(File.ReadAllBytes(copy), Is.EqualTo(expected));
    }

    [Test]
    public void Doctor_WithoutAHomeToWriteTo_TakesTheTemporaryFolder()
    {
        string temporary = Directory.CreateDirectory(Folder["temporary"]).FullName;

        var (exitCode, output, error) = Doctor("/proc/nowhere", temporary);

        Assert.That(exitCode, Is.Zero, output + error);
        RequireCopy(temporary);
    }

    [Test]
    public void Doctor_WithNowhereToWriteTo_NamesTheCause()
    {
        RequireOldLibrary();

        var (exitCode, output, _) = Doctor("/proc/nowhere", "/proc/nowhere");

        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Match("TorchSharp +MISSING").And.Contain("needs a patched copy on this system, which cannot be written").And.Contain("set HOME or TMPDIR to a writable folder"));
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "onnxvae.dll");

    private Process StartTraining()
    {
        var process = Support.Cli.Start([.. Training, "--out", Folder["run"]]);
        var run = new RunFolder(Folder["run"]);
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= 2, process);
        return process;
    }

    private void RequireOldLibrary()
    {
        Doctor(Directory.CreateDirectory(Folder["probe"]).FullName, Folder.Path);
        RequireCopy(Folder["probe"]);
    }

    private static string RequireCopy(string folder)
    {
        string? copy = Directory.EnumerateFiles(folder, "libLibTorchSharp.so", SearchOption.AllDirectories).FirstOrDefault();
        if (copy is null)
        {
            Assert.Ignore("This system's C++ library is new enough: nothing is copied.");
        }

        return copy!;
    }

    private static (int ExitCode, string Output, string Error) Doctor(string home, string temporary)
    {
        using var process = Start("env", "-u", "XDG_DATA_HOME", $"HOME={home}", $"TMPDIR={temporary}", "DOTNET_EnableDiagnostics=0", "dotnet", Program, "doctor");
        var error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    private static void Signal(Process process, string signal)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", [$"-{signal}", $"{process.Id}"]) { RedirectStandardError = true })!;
        kill.WaitForExit();
    }
}
