using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using OnnxVae.Format;
using OnnxVae.Tests.Support;
using OnnxVae.Training.Reports;
using OnnxVae.Training.Runs;

namespace OnnxVae.Tests.Cli;

/// <summary>Training in several processes, which mpirun starts: what is the same every time, and how they end together.</summary>
[Platform(Include = "Linux")]
internal sealed partial class RanksTests : FolderFixture
{
    private static readonly string[] Training =
    [
        "train", "--image-size", "16", "--model", "conv", "--log-every", "10", "--checkpoint-every", "50", "--threads", "1", "--importance-samples", "0",
    ];

    [Test]
    public void Run_WithAsManyRanks_HasTheSameBytes_AlsoWhenARankWasKilled_OrByAnotherLibrary()
    {
        const int steps = 300;
        Mpi.Succeed(Mpi.Open, 2, Command("run", steps));
        Mpi.Succeed(Mpi.Mpich, 2, Command("mpich", steps));
        KillWorker("killed", steps);
        CopyFolder("killed", "killed-4");
        CopyFolder("killed", "killed-1");

        Mpi.Succeed(Mpi.Open, 2, "train", "--resume", "--out", Folder["killed"]);
        Mpi.Succeed(Mpi.Open, 4, "train", "--resume", "--out", Folder["killed-4"]);
        Support.Cli.Succeed("train", "--resume", "--out", Folder["killed-1"]);

        byte[] expected = LastCheckpoint("run");
        Assert.That(LastCheckpoint("mpich"), Is.EqualTo(expected));
        Assert.That(LastCheckpoint("killed"), Is.EqualTo(expected));
        Assert.That(TrainingPackage.Open(Folder["killed-4/package"]).Manifest.Split!.Gradients.Images.Shape[0], Is.EqualTo(4), "parts of 8 for two ranks become parts of 4 for four");
        Assert.That(Losses("killed-1")[^1], Is.EqualTo(Losses("run")[^1]).Within(0.02 * Losses("run")[^1]));
        Assert.That(Losses("killed-4")[^1], Is.EqualTo(Losses("run")[^1]).Within(0.02 * Losses("run")[^1]));
        double[] efficiencies = [.. MetricsLog.Read(Folder["run/metrics.jsonl"]).Select(line => MetricsLog.ValueOf(line, MetricsLog.Efficiency)).OfType<double>()];
        Assert.That(efficiencies, Has.Length.EqualTo(steps / 10).And.All.InRange(0, 1));
    }

    [Test]
    public void Run_IsStopped_ByASignalToAnyRank_WithACheckpoint()
    {
        using var launcher = Mpi.Start(Mpi.Open, 2, Command("run", 1_000_000));
        var run = new RunFolder(Folder["run"]);
        Support.Cli.WaitFor(() => MetricsLog.Read(run.Metrics).Count >= 2, launcher);

        using var worker = Mpi.RankOf(launcher, 1);
        using var kill = Process.Start("kill", $"-TERM {worker.Id}");
        var (exitCode, output, error) = Mpi.End(launcher);

        Assert.That(exitCode, Is.EqualTo(130), output + error);
        Assert.That(Stopped().Match(error) is { Success: true } match && long.Parse(match.Groups["step"].ValueSpan, CultureInfo.InvariantCulture) == run.NewestStep, error);
    }

    // While the first rank compiles the model, and the second one waits for it.
    [TestCase(0)]
    [TestCase(1)]
    public void Run_IsStopped_BeforeTrainingBegins(int rank)
    {
        using var launcher = Mpi.Start(Mpi.Open, 2, Command("run", 1_000_000));
        Support.Cli.WaitFor(() => File.Exists(Folder["run/options.json"]), launcher);

        using var signalled = Mpi.RankOf(launcher, rank);
        using var kill = Process.Start("kill", $"-TERM {signalled.Id}");
        var (exitCode, output, error) = Mpi.End(launcher);

        Assert.That(exitCode, Is.EqualTo(130), output + error);
        Assert.That(Stopped().IsMatch(error), error);
        Assert.That(new RunFolder(Folder["run"]).NewestStep, Is.Positive);
    }

    [Test]
    public void Srun_WithoutMpi_IsRefused_UnlessEachTrainsByItself()
    {
        string[] command = ["SLURM_STEP_NUM_TASKS=2", "dotnet", Path.Combine(AppContext.BaseDirectory, "onnxvae.dll"), .. Command("run", 2)];

        var (exitCode, output, error) = Run(command);
        Assert.That((exitCode, output, error), Is.EqualTo(
            (2, "", "onnxvae: srun has started 2 processes, but without MPI: give srun --mpi=pmix or --mpi=pmi2 to train one model, or --mpi-library none to train one in each.\n")));
        Assert.That(Run([.. command, "--mpi-library", "none"]).ExitCode, Is.Zero);

        static (int ExitCode, string Output, string Error) Run(string[] command)
        {
            using var process = Process.Start(new ProcessStartInfo("env", command) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            return Mpi.End(process);
        }
    }

    [Test]
    public void Training_ThatDiverges_EndsAll_WithOneMessage()
    {
        var (exitCode, output, error) = Mpi.Run(Mpi.Open, 2, [.. Command("run", 200), "--learning-rate", "1e30"]);

        Assert.That(exitCode, Is.EqualTo(1), output + error);
        Assert.That(Own(output + error), Has.Length.EqualTo(1));
        Assert.That(Own(output + error)[0], Does.StartWith($"onnxvae: rank 0 of 2, on {Environment.MachineName}: Training diverged between steps 2 and 10: loss NaN"));
    }

    [TestCase("sprites", 4, 1, "A batch of 18 images cannot be divided among 4 processes: start as many as divide it, or give another --batch or --accumulate.")]
    [TestCase("none/images", 2, 1, "There is no data 'none/images': give")]
    [TestCase("sprites", 2, 2, "There is no verb or option '--modell'. Did you mean '--model'? See 'onnxvae train --help'.", "--modell", "mlp")]
    [TestCase("sprites", 2, 1, "No MPI library can be loaded; tried {0}/none.so: install Open MPI or MPICH, or give the file as --mpi-library.", "--mpi-library", "{0}/none.so")]
    public void Command_ThatCannotStart_IsRefusedOnce(string data, int ranks, int code, string message, params string[] arguments)
    {
        var (exitCode, output, error) = Mpi.Run(
            Mpi.Open, ranks, [.. Command("run", 10, data, batch: 18), .. arguments.Select(argument => argument.Replace("{0}", Folder.Path, StringComparison.Ordinal))]);

        Assert.That(Own(output + error), Has.Length.EqualTo(1), output + error);
        Assert.That(Own(output + error)[0], Does.StartWith($"onnxvae: {message.Replace("{0}", Folder.Path, StringComparison.Ordinal)}"));
        Assert.That(exitCode, Is.EqualTo(code));
        Assert.That(Directory.Exists(Folder["run"]), Is.False);
    }

    [Test]
    public void Rank_ThatSeesOtherImages_IsNamed()
    {
        TestImages.WriteImages(Folder["first/images"], 20);
        TestImages.WriteImages(Folder["second/images"], 19);

        using var launcher = Mpi.StartIn(
            Mpi.Open, [Folder["first"], Folder["second"]], "train", "--data", "/proc/self/cwd/images", "--model", "mlp", "--hidden", "8", "--batch", "4", "--steps", "20", "--importance-samples", "0", "--out", Folder["run"]);
        var (exitCode, output, error) = Mpi.End(launcher);

        Assert.That(exitCode, Is.EqualTo(1), output + error);
        Assert.That(Own(output + error), Has.Length.EqualTo(1), output + error);
        Assert.That(Own(output + error)[0], Does.StartWith($"onnxvae: rank 1 of 2, on {Environment.MachineName}: '/proc/self/cwd/images' has").And.Contain("but the run was started with"));
    }

    // Under MPICH, the others would wait for ever for a rank that ends before it has joined them.
    [TestCase(Mpi.Open)]
    [TestCase(Mpi.Mpich)]
    public void Rank_WithAFileOfOptionsThatOthersHave_IsHeard(string launcher)
    {
        Directory.CreateDirectory(Folder["first"]);
        Directory.CreateDirectory(Folder["second"]);
        File.WriteAllText(Folder["first/options.yaml"], "steps: 10\n");

        using var process = Mpi.StartIn(launcher, [Folder["first"], Folder["second"]], "train", "--data", "sprites", "--image-size", "16", "--model", "mlp", "--config", "options.yaml", "--out", Folder["run"]);
        var (exitCode, output, error) = Mpi.End(process);

        Assert.That(exitCode, Is.Not.Zero, output + error);
        Assert.That(Own(output + error), Has.Length.EqualTo(1), output + error);
        Assert.That(Own(output + error)[0], Does.Contain("options.yaml"));
    }

    [Test]
    public void Package_OfOneProgram_IsRefused()
    {
        Support.Cli.Succeed("compile", "--data", "sprites", "--image-size", "16", "--model", "mlp", "--hidden", "8", "--batch", "16", "--out", Folder["whole"]);
        Support.Cli.Succeed("compile", "--data", "sprites", "--image-size", "16", "--model", "mlp", "--hidden", "8", "--batch", "16", "--split", "--out", Folder["split"]);

        string[] run = ["train", "--data", "sprites", "--image-size", "16", "--steps", "4", "--importance-samples", "0", "--out", Folder["run"], "--package"];
        Assert.That(Support.Cli.Run([.. run, Folder["whole"], "--accumulate", "2"]).Error, Does.EndWith(
            $"onnxvae: The package '{Folder["whole"]}' has its training step in one program only, for batches that are computed as a whole: compile it with --split for accumulation.\n"));
        Assert.That(Own(Mpi.Run(Mpi.Open, 2, [.. run, Folder["whole"]]).Error), Is.EqualTo((string[])[
            $"onnxvae: The package '{Folder["whole"]}' has its training step in one program only, for batches that are computed as a whole: compile it with --split for several processes."]));
        Assert.That(Own(Mpi.Run(Mpi.Open, 2, [.. run, Folder["split"], "--accumulate", "3"]).Error), Is.EqualTo((string[])[
            $"onnxvae: A batch of 16 x 3 images is computed in 3 parts of 16, as the package '{Folder["split"]}' was compiled, and 2 processes cannot share them: give a larger --accumulate, or compile it with a smaller --batch."]));
        Mpi.Succeed(Mpi.Open, 2, [.. run, Folder["split"], "--accumulate", "2"]);
    }

    // srun stands for a script that starts as many ranks.
    [Test]
    public void SlurmScript_Trains_AndGoesOnWhenItIsSentAgain()
    {
        string script = Path.Combine(Repository.Root, "docs/cluster/slurm-train.sh");
        WriteProgram("onnxvae", $"exec dotnet '{Path.Combine(AppContext.BaseDirectory, "onnxvae.dll")}' \"$@\"");
        WriteProgram("srun", "[ \"$1\" = --mpi=pmix ] && [ \"$2\" = --kill-on-bad-exit=1 ] && [ \"$3\" = --cpus-per-task=1 ] || exit 9\nshift 3\nexec mpirun.openmpi -n 2 --oversubscribe \"$@\"");
        string[] options = ["--image-size", "16", "--model", "mlp", "--hidden", "8", "--importance-samples", "0", "--checkpoint-every", "20"];

        Submit("--steps", "20");
        Submit("--steps", "40");

        Assert.That(new RunFolder(Folder["run"]).NewestStep, Is.EqualTo(40));
        Assert.That(File.ReadAllText(Folder["run/metrics.jsonl"]), Does.Contain("steps from 20 to 40").And.Contain(MetricsLog.Efficiency));

        void Submit(params string[] length)
        {
            _ = Mpi.Find(Mpi.Open);
            var start = new ProcessStartInfo("bash", [script, .. options, .. length]) { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
                [("PATH", $"{Folder.Path}:{Environment.GetEnvironmentVariable("PATH")}"), ("DATA", "sprites"), ("OUT", Folder["run"]), ("BATCH", "16"), ("SLURM_CPUS_PER_TASK", "1"),
                 ("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
            {
                start.Environment[name] = value;
            }

            using var process = Process.Start(start)!;
            var (exitCode, output, error) = Mpi.End(process);
            Assert.That(exitCode, Is.Zero, output + error);
        }

        void WriteProgram(string name, string content)
        {
            File.WriteAllText(Folder[name], $"#!/bin/sh\n{content}\n");
            using var permission = Process.Start("chmod", ["+x", Folder[name]]);
            permission.WaitForExit();
        }
    }

    [Test]
    public void OtherVerbs_ThatTrain_TakeSeveralRanks()
    {
        TestImages.WriteImages(Folder["images/a"], 24);
        TestImages.WriteImages(Folder["images/b"], 24);
        string[] model = ["--data", Folder["images"], "--image-size", "16", "--model", "vqvae", "--width", "8", "--codes", "8", "--batch", "8", "--steps", "6", "--importance-samples", "0"];
        Mpi.Succeed(Mpi.Open, 2, ["train", .. model, "--out", Folder["run"]]);

        Mpi.Succeed(Mpi.Open, 2, "prior", Folder["run"], "--level", "bottom", "--steps", "4", "--width", "8", "--depth", "1", "--heads", "1");
        Mpi.Succeed(Mpi.Open, 2, "classifier", Folder["run"], "--model", "mlp", "--hidden", "8", "--steps", "4");
        Mpi.Succeed(Mpi.Open, 2, "sweep", "--data", Folder["images"], "--model", "mlp", "--hidden", "8", "--batch", "8", "--steps", "4", "--importance-samples", "0", "--betas", "0.5,1", "--out", Folder["sweep"]);

        Assert.That(Directory.GetFiles(Folder["run/export"]).Select(Path.GetFileName), Is.SupersetOf((string[])["encoder.onnx", "decoder.onnx", "prior_bottom.onnx", "classifier.onnx"]));
        Assert.That(File.ReadAllLines(Folder["sweep/sweep.csv"]), Has.Length.EqualTo(3));
    }

    private string[] Command(string run, int steps, string data = "sprites", int batch = 16) => [.. Training, "--data", data, "--batch", $"{batch}", "--steps", $"{steps}", "--out", Folder[run]];

    private void KillWorker(string name, int steps)
    {
        var run = new RunFolder(Folder[name]);
        using var launcher = Mpi.Start(Mpi.Open, 2, Command(name, steps));
        Support.Cli.WaitFor(() => run.NewestStep >= 100, launcher);
        using var worker = Mpi.RankOf(launcher, 1);
        worker.Kill(); // SIGKILL
        var (exitCode, output, error) = Mpi.End(launcher);
        Assert.That(exitCode, Is.Not.Zero, output + error);
        Assert.That(run.NewestStep, Is.InRange(100, steps - 1));
    }

    private void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(Folder[from], "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            string copy = Path.Combine(Folder[to], Path.GetRelativePath(Folder[from], file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private byte[] LastCheckpoint(string run) => File.ReadAllBytes(new RunFolder(Folder[run]).NewestCheckpoint());

    private double[] Losses(string run) => [.. MetricsLog.Read(Folder[$"{run}/metrics.jsonl"]).Select(line => MetricsLog.ValueOf(line, "loss")).OfType<double>()];

    private static string[] Own(string text) => [.. text.Split('\n').Where(line => line.Contains("onnxvae: ", StringComparison.Ordinal)).Select(line => line[line.IndexOf("onnxvae: ", StringComparison.Ordinal)..].TrimEnd())];

    [GeneratedRegex("Stopped at step (?<step>[0-9]+) of 1000000; a checkpoint is written.")]
    private static partial Regex Stopped();
}
