using System.Diagnostics;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Real processes that are killed, interrupted and looked into.</summary>
internal sealed class RobustnessTests : FolderFixture
{
    private static readonly string[] Training = TrainingOf(400), EndlessTraining = TrainingOf(1_000_000);

    [TestCase(4)]
    [TestCase(9)]
    public void Train_KilledAndResumed_EndsWithIdenticalStates(int lines)
    {
        string package = Compile();
        Complete(["train", "--package", package, "--out", Folder["whole"], .. Training]);
        var run = new RunFolder(Folder["killed"]);
        Support.Cli.StartAndKill(
            () => MetricsLog.Read(run.Metrics).Count >= lines, () => File.Exists(run.Evaluation), () => Directory.Delete(run.Path, recursive: true),
            ["train", "--package", package, "--out", run.Path, .. Training]);
        Complete("train", "--resume", "--out", Folder["killed"]);

        Assert.That(LastCheckpoint("killed"), Is.EqualTo(LastCheckpoint("whole")));
        Assert.That(Losses("killed"), Is.EqualTo(Losses("whole")));
    }

    // Also in the middle of an evaluation, and of what follows from it.
    [TestCase(3)]
    [TestCase(8)]
    [TestCase(21)]
    public void Train_WithValidationAndAugmentation_KilledAndResumed_EndsWithTheSameFiles(int lines)
    {
        string package = Compile();
        string[] everything =
        [
            .. Training, "--validation", "0.1", "--validate-every", "30", "--random-flip", "--random-crop", "3", "--random-shift", "1", "--random-rotation", "10", "--csv", "--tensor-board",
        ];
        Complete(["train", "--package", package, "--out", Folder["whole"], .. everything]);
        RunFolder whole = new(Folder["whole"]), run = new(Folder["killed"]);
        Support.Cli.StartAndKill(
            () => MetricsLog.Read(run.Metrics).Count >= lines, () => File.Exists(run.Evaluation), () => Directory.Delete(run.Path, recursive: true),
            ["train", "--package", package, "--out", run.Path, .. everything]);
        Complete("train", "--resume", "--out", Folder["killed"]);

        Assert.That(LastCheckpoint("killed"), Is.EqualTo(LastCheckpoint("whole")));
        Assert.That(File.ReadAllBytes(run.Best), Is.EqualTo(File.ReadAllBytes(whole.Best)));
        Assert.That(Losses("killed"), Is.EqualTo(Losses("whole")));
        Assert.That(Columns(run), Is.EqualTo(Columns(whole)));
        Assert.That(File.ReadAllText(run.Evaluation), Is.EqualTo(File.ReadAllText(whole.Evaluation)));
        Assert.That(Directory.GetFiles(run.TensorBoard), Has.Length.InRange(1, 2));
    }

    // Of the table: all but speed, efficiency and time.
    private static string[] Columns(RunFolder run) => [.. File.ReadAllLines(run.Csv).Select(line => string.Join(',', line.Split(',').SkipLast(3)))];

    [TestCase("-INT")]
    [TestCase("-TERM")]
    public void Train_Interrupted_WritesCheckpointAndSaysHowToResume(string signal)
    {
        string package = Compile();
        var run = new RunFolder(Folder["run"]);
        using var process = Support.Cli.Start(["train", "--package", package, "--out", run.Path, .. EndlessTraining]);
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= 3, process);

        using (var interrupt = Process.Start("kill", [signal, $"{process.Id}"]))
        {
            interrupt.WaitForExit();
        }

        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(130), error);
        Assert.That(error, Does.Match(@"Stopped at step \d+ of 1000000; a checkpoint is written\. Continue with: onnxvae train --resume --out "));
        string step = error.Split("Stopped at step ")[1].Split(' ')[0];
        Assert.That(run.NewestCheckpoint(), Does.EndWith($"{step.PadLeft(9, '0')}.safetensors"));
    }

    [Test]
    public void Train_OfPackage_NeverLoadsTorch()
    {
        string package = Compile();
        var run = new RunFolder(Folder["run"]);
        using var process = Support.Cli.Start(["train", "--package", package, "--out", run.Path, .. EndlessTraining]);
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= 3, process);

        string[] modules = [.. Process.GetProcessById(process.Id).Modules.Cast<ProcessModule>().Select(module => module.ModuleName)];
        process.Kill();
        process.WaitForExit();

        Assert.That(modules, Has.Some.Contains("libonnxruntime"));
        Assert.That(modules, Has.None.Contains("torch").IgnoreCase.And.None.Contains("libc10"));
    }

    private static string[] TrainingOf(long steps) =>
        ["--data", "sprites", "--steps", $"{steps}", "--checkpoint-every", "50", "--log-every", "20", "--importance-samples", "0"];

    private string Compile()
    {
        string package = Folder["package"];
        var (exitCode, _, error) = Support.Cli.Run("compile", "--data", "sprites", "--model", "mlp", "--batch", "16", "--steps", "400", "--out", package);
        Assert.That(exitCode, Is.Zero, error);
        return package;
    }

    private static void Complete(params string[] arguments)
    {
        using var process = Support.Cli.Start(arguments);
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error);
    }

    private byte[] LastCheckpoint(string run) => File.ReadAllBytes(new RunFolder(Folder[run]).NewestCheckpoint());

    private (long Step, double Loss)[] Losses(string run) =>
        [.. MetricsLog.Read(new RunFolder(Folder[run]).Metrics).Select(line => ((long)line["step"]!, (double)line["distortion"]!))];
}
