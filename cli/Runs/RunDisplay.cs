using System.Globalization;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;
using OnnxVae.Training.TensorBoard;

namespace OnnxVae.Cli.Runs;

/// <summary>Shows the progress of a run.</summary>
internal static class RunDisplay
{
    /// <summary>Trains a run to its end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="task">What to train.</param>
    /// <param name="ranks">The processes that train.</param>
    /// <param name="images">The training images.</param>
    /// <param name="validation">Images that are evaluated now and then; null for none.</param>
    /// <param name="grids">Draws sample grids at every checkpoint; null for none.</param>
    /// <param name="lossFormat">The number format of the loss.</param>
    /// <param name="continuation">How to continue if training was stopped early.</param>
    /// <param name="cancellation">Stops training early; a checkpoint is written.</param>
    /// <returns>The checkpoint that the run is judged by; null if training was stopped.</returns>
    public static async Task<Checkpoint?> TrainAsync(
        TrainingRun run, RankTask task, Ranks ranks, ImageSource images, ImageSource? validation, SampleGrids? grids, string lossFormat, string continuation, CancellationToken cancellation)
    {
        validation = Usable(validation, images, run.Package);
        var (options, logging) = (task.ToTrainerOptions(ranks), task.Logging);
        var speed = new RankSpeed(run);
        using var tensorBoard = logging.TensorBoard ? new TensorBoardLog(run) : null;
        using var csv = logging.Csv ? new MetricsCsv(run) : null;
        run.Started += (_, start) =>
        {
            Checkpoints.ReportDamaged(start.DamagedCheckpoints, start.Step);
            if (start.Step > 0)
            {
                Notice.Say(start.Step < options.Steps ? $"Resumed   after step {start.Step} of {options.Steps}" : $"Resumed   after step {start.Step}, the last one: nothing is left to train");
            }

            if (!options.Device.IsProcessor)
            {
                Notice.Say($"Device    {options.Device}: {Describe(run.Package, options.Device)}");
            }
        };
        ranks.Start(task);
        try
        {
            await ProgressDisplay.RunAsync("Training", async report =>
            {
                run.Progressed += (_, progress) => report(progress.Step, progress.Steps, Describe(progress, lossFormat));
                await run.TrainAsync(images, options, validation, grids, cancellation);
                return run.Step;
            });
        }
        catch (OperationCanceledException)
        {
            ranks.Finish();
            Console.Error.WriteLine($"Stopped at step {run.Step} of {options.Steps}; a checkpoint is written. {continuation}");
            return null;
        }

        ranks.Finish();
        if (ranks.Count > 1)
        {
            Notice.Say($"Ranks     {ranks.Count}: {speed}");
        }

        var kept = Checkpoints.LoadKept(run.Folder, run.Package);
        if (run.Best is { } best)
        {
            string stop = run.Step < options.Steps ? $"; training stopped at step {run.Step}, {(options.Patience == 1 ? "one evaluation" : $"{options.Patience} evaluations")} without a lower one" : "";
            Notice.Say($"Best      step {best.Step} of {options.Steps}, validation {logging.BestBy} {best.Figure.ToString(lossFormat, CultureInfo.InvariantCulture)}{stop}; step {kept.Step} is evaluated and exported");
        }

        return kept;
    }

    // A validation split that does not fit the training images is not worth a failure.
    private static ImageSource? Usable(ImageSource? validation, ImageSource train, TrainingPackage package)
    {
        string? fault = validation is null ? null
            : validation.Count == 0 ? "there are none"
            : package.Manifest.Evaluate.Labels is not null && !validation.Classes.SequenceEqual(train.Classes) ? "they have other classes than the training images, or none"
            : null;
        if (fault is null)
        {
            return validation;
        }

        Console.Error.WriteLine($"The validation images are not used: {fault}.");
        return null;
    }

    private static string Describe(TrainingProgress progress, string format)
    {
        (string Name, double? Value)[] losses = [("loss", progress.Loss), ("validation", progress.ValidationLoss)];
        return string.Join(", ", losses.Where(loss => loss.Value is not null).Select(loss => $"{loss.Name} {loss.Value!.Value.ToString(format, CultureInfo.InvariantCulture)}"));
    }

    // How much of a step runs on a device, and how it rounds.
    private static string Describe(TrainingPackage package, OnnxDevice device)
    {
        var step = package.Manifest.Step;
        string rounding = device.Provider != "cuda" ? ""
            : (device with { IsPrecise = package.IsPrecise }).RoundsToTf32 ? "; products take TF32's 11 bits, --precise keeps 24" : "; products keep 24 bits";
        return OnnxSession.PlacementOf(package.PathOf(step.FileWithoutMetrics ?? step.File), device) switch
        {
            null => $"runs the step{rounding}",
            { OnProcessor: [] } all => $"all {all.OnDevice} nodes of the step run there{rounding}",
            var placed => $"{placed.OnDevice} of {placed.Count} nodes of the step run there; on the processor: {placed.NamesOnProcessor}{rounding}",
        };
    }

    /// <summary>Evaluates a model.</summary>
    /// <param name="evaluate">Evaluates, and reports the number of images done and the total.</param>
    public static EvaluationFigures Evaluate(Func<Action<long, long>, EvaluationFigures> evaluate) =>
        ProgressDisplay.Run("Evaluating", report => evaluate((done, total) => report(done, total)));
}
