using OnnxVae.Format;
using OnnxVae.Training.Runs;
using OnnxVae.Training.Steps;

namespace OnnxVae.Cli.Runs;

/// <summary>The training step in two programs of a run that goes on with another number of processes than before.</summary>
internal static class CompiledParts
{
    /// <summary>Compiles it again, if the package does not have it for parts that the processes can share.</summary>
    /// <param name="run">The run.</param>
    /// <param name="accumulate">Batches that make one step.</param>
    /// <param name="ranks">The processes that train.</param>
    /// <param name="compile">Writes the model's package for them into a folder.</param>
    public static void Require(TrainingRun run, int accumulate, Ranks ranks, Action<string> compile)
    {
        if (BatchPlan.IsPossible(run.Package, accumulate, ranks.Count))
        {
            return;
        }

        var folder = Directory.CreateTempSubdirectory("onnxvae-");
        try
        {
            compile(folder.FullName);
            run.TakeSplit(TrainingPackage.Open(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
