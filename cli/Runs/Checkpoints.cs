using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Loads checkpoints of runs, and reports damaged ones.</summary>
internal static class Checkpoints
{
    /// <summary>Reads the checkpoint that a run is judged by: the best one, or else the newest, of those that are not damaged.</summary>
    public static Checkpoint LoadKept(RunFolder run, TrainingPackage package)
    {
        var (checkpoint, damaged) = run.LoadKept(package);
        ReportDamaged(damaged, checkpoint.Step);
        return checkpoint;
    }

    /// <summary>Reads the checkpoint that a user names, or else the one that the run is judged by.</summary>
    public static Checkpoint Load(string? path, RunFolder run, TrainingPackage package) => path is null ? LoadKept(run, package) : Checkpoint.Load(path, package);

    /// <summary>Reports which checkpoints are damaged, and which one was used.</summary>
    public static void ReportDamaged(IReadOnlyList<string> damaged, long step)
    {
        if (damaged.Count > 0)
        {
            Console.Error.WriteLine($"Damaged: {string.Join(", ", damaged.Select(Path.GetFileName))}; using the checkpoint of step {step} instead.");
        }
    }
}
