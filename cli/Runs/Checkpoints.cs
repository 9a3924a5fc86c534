using OnnxVae.Format;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Checkpoints of runs, with a line where one is damaged.</summary>
internal static class Checkpoints
{
    /// <summary>Reads the newest checkpoint of a run that is not damaged.</summary>
    public static Checkpoint LoadNewest(RunFolder run, TrainingPackage package)
    {
        var (checkpoint, damaged) = run.LoadNewest(package);
        ReportDamaged(damaged, checkpoint.Step);
        return checkpoint;
    }

    /// <summary>Reads a checkpoint that a user names, or else the newest.</summary>
    public static Checkpoint Load(string? path, RunFolder run, TrainingPackage package) => path is null ? LoadNewest(run, package) : Checkpoint.Load(path, package);

    /// <summary>Says which checkpoints are damaged, and which one was taken.</summary>
    public static void ReportDamaged(IReadOnlyList<string> damaged, long step)
    {
        if (damaged.Count > 0)
        {
            Console.Error.WriteLine($"Damaged: {string.Join(", ", damaged.Select(Path.GetFileName))}; the checkpoint of step {step} is taken instead.");
        }
    }
}
