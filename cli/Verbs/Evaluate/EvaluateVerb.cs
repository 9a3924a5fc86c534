using OnnxVae.Cli.Options;
using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Verbs.Evaluate;

/// <summary>Computes the metrics of a trained model.</summary>
[Verb("evaluate", VerbTopic.Train, "Evaluates a run's model on a data set.", Example = "evaluate runs/sprites --importance-samples 100")]
internal sealed class EvaluateVerb : LongVerb<EvaluateOptions>
{
    protected override Task<int> RunAsync(EvaluateOptions options, CancellationToken cancellation)
    {
        var run = ModelPath.Run(options.Run);
        var package = TrainingPackage.Open(run.Package);
        var stored = run.ReadOptions<RunOptions>();
        var source = OpenData(options, stored, package).Split(options.Split);
        var states = Checkpoints.Load(options.Checkpoint, run, package).States;
        var evaluation = EvaluationSettings.Create(options.ImportanceSamples, stored.Seed, options.Execution);
        var figures = RunDisplay.Evaluate(progress => Evaluator.Evaluate(package, states, source, evaluation, progress, cancellation));
        figures = options.Checkpoint is null ? PriorEvaluation.Add(figures, run, source, evaluation, cancellation) : figures;
        if (LatentMixture.Gain(run.Mixture, package, states, source, stored.Seed, cancellation) is { } gain)
        {
            figures = figures with { Further = new Dictionary<string, double>(figures.Further) { ["mixtureGain"] = gain } };
        }

        figures = ClassEvaluation.Add(figures, new TrainedModel(package, states), source, evaluation, cancellation);
        if (options.Json)
        {
            Console.WriteLine(figures.ToJson().ToJsonString());
        }
        else
        {
            FiguresTable.Print($"Metrics on the {options.Split} split, nats per image", figures.ToJson());
        }

        return Task.FromResult(ExitCode.Done);
    }

    // Other data are converted to the model's shape, whatever the run's own images looked like.
    private static ImageData OpenData(EvaluateOptions options, RunOptions stored, TrainingPackage package)
    {
        if (options.Data is null)
        {
            return stored.OpenImages();
        }

        if (options.Condition is not null && package.Manifest.Evaluate.Conditions is null)
        {
            throw new UsageException("--condition is for models trained with vectors, but this one was trained without.");
        }

        var (program, shape) = (package.Manifest.Evaluate, package.Manifest.Evaluate.ExampleShape);
        var images = DataOpening.Open(options.Data, stored.ImageOptions with
        {
            Size = shape.IsImage ? (shape.Height, shape.Width) : null,
            Channels = shape.IsImage ? shape.Channels : null,
            Layout = null,
            SkipCorrupt = options.SkipCorrupt || stored.ImageOptions.SkipCorrupt,
            Shape = shape,
            IsChannelsLast = package.IsChannelsLast,
            IsReal = package.TakesRealNumbers,
            BitDepth = program.Images.Type == ElementType.Float32 && !package.TakesRealNumbers ? 16 : null,
        }, tables: options.Table, model: package.Table);
        return options.Condition is null ? images : images.WithConditions(ImageConditions.Read(options.Condition));
    }
}
