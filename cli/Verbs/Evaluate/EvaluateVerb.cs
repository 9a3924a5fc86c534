using System.CommandLine;
using OnnxVae.Cli.Jobs;
using OnnxVae.Cli.Runs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Inference;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Verbs.Evaluate;

/// <summary><c>onnxvae evaluate</c>: the figures of a trained model.</summary>
internal static class EvaluateVerb
{
    public static Command Create()
    {
        var runArgument = new Argument<string>("RUN") { Description = "The run's folder." };
        var data = new Option<string?>("--data") { Description = "Other data than the run's." };
        var split = new Option<string>("--split") { Description = "train, validation, test or all.", DefaultValueFactory = _ => "test" };
        var importanceSamples = VerbOptions.ImportanceSamples();
        var checkpoint = new Option<string?>("--checkpoint") { Description = "A checkpoint file; the newest, if left out." };
        var device = VerbOptions.Device();
        var threads = VerbOptions.Threads();
        var json = VerbOptions.Json();
        var command = new Command("evaluate", "Evaluates a run's model on a data set. Example: onnxvae evaluate runs/sprites --importance-samples 100")
        {
            runArgument, data, split, importanceSamples, checkpoint, device, threads, json,
        };
        command.SetCancellableAction((result, cancellation) =>
        {
            var run = ModelPath.Run(result.GetValue(runArgument)!);
            var package = TrainingPackage.Open(run.Package);
            var options = run.ReadOptions<TrainOptions>();
            var source = OpenData(result.GetValue(data), options, package).Split(result.GetValue(split)!);
            var states = Checkpoints.Load(result.GetValue(checkpoint), run, package).States;
            var evaluation = Evaluation.Options(
                result.GetValue(importanceSamples), options.Seed, OnnxDevice.Parse(result.GetValue(device)!), result.GetValue(threads));
            var figures = ProgressDisplay.Run(
                "Evaluating", report => Evaluator.Evaluate(package, states, source, evaluation, (done, total) => report(done, total), cancellation));
            figures = result.GetValue(checkpoint) is null ? PriorEvaluation.Add(figures, run, source, evaluation, cancellation) : figures;
            if (result.GetValue(json))
            {
                Console.WriteLine(figures.ToJson().ToJsonString());
            }
            else
            {
                FiguresTable.Print($"Figures on the {result.GetValue(split)} split, nats per image", figures.ToJson());
            }
        });
        return command;
    }

    // Other data are brought to the model's shape, whatever the run's own looked like.
    private static ImageData OpenData(string? other, TrainOptions options, TrainingPackage package)
    {
        var shape = package.Manifest.Evaluate.Images.Shape;
        return other is null
            ? DataOpening.Open(options.Data, options.ImageOptions)
            : DataOpening.Open(other, ModelData.ImagesLike((int)shape[1], (int)shape[2], (int)shape[3], options.SkipCorrupt) with { BinarizationSeed = options.ImageOptions.BinarizationSeed });
    }
}
