using System.Globalization;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Runs;

/// <summary>Shows the progress of a run.</summary>
internal static class RunDisplay
{
    /// <summary>Trains a run to its end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="options">How long and where to train.</param>
    /// <param name="images">The training images.</param>
    /// <param name="grids">Draws sample grids at every checkpoint; null for none.</param>
    /// <param name="lossFormat">The number format of the loss.</param>
    /// <param name="continuation">How to continue if training was stopped early.</param>
    /// <param name="cancellation">Stops training early; a checkpoint is written.</param>
    /// <returns>The trained states; null if training was stopped.</returns>
    public static async Task<IReadOnlyDictionary<string, Tensor>?> TrainAsync(
        TrainingRun run, TrainerOptions options, ImageSource images, SampleGrids? grids, string lossFormat, string continuation, CancellationToken cancellation)
    {
        run.Load(options);
        Checkpoints.ReportDamaged(run.DamagedCheckpoints, run.Step);
        bool isDone = await ProgressDisplay.RunAsync("Training", report => run.TrainAsync(
            images,
            grids,
            progress => report(progress.Step, progress.Steps, $"loss {progress.Loss.ToString(lossFormat, CultureInfo.InvariantCulture)}"),
            cancellation));
        if (!isDone)
        {
            Console.Error.WriteLine($"Stopped at step {run.Step} of {options.Steps}; a checkpoint is written. {continuation}");
            return null;
        }

        return Checkpoints.LoadNewest(run.Folder, run.Package).States;
    }

    /// <summary>Evaluates a model.</summary>
    /// <param name="evaluate">Evaluates, and reports the number of images done and the total.</param>
    public static EvaluationFigures Evaluate(Func<Action<long, long>, EvaluationFigures> evaluate) =>
        ProgressDisplay.Run("Evaluating", report => evaluate((done, total) => report(done, total)));
}
