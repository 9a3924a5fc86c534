using OnnxVae.Exporters.Programs;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Companions;

/// <summary>What the priors of a run's codes know of images: the rate under them, where equally likely codes only give a bound.</summary>
internal static class PriorEvaluation
{
    /// <summary>
    /// Adds <c>priorRate</c>, nats per image, <c>priorRateBitsPerDimension</c>, <c>priorNllPerCode</c> and the same for each level, if the run has
    /// priors. Where they cannot be used, because there is none of a level for instance, a line on the error stream says why.
    /// </summary>
    /// <param name="figures">The figures of the run's model on the images.</param>
    /// <param name="run">The run.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">How they are evaluated.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static EvaluationFigures Add(EvaluationFigures figures, RunFolder run, ImageSource images, EvaluatorOptions options, CancellationToken cancellation)
    {
        var priors = figures.Codes.Keys.Select(level => (Level: level, Run: new RunFolder(Path.Combine(run.Path, PriorCompilation.FolderOf(level.ToLowerInvariant()))))).ToArray();
        if (!priors.Any(prior => prior.Run.HoldsRun))
        {
            return figures;
        }

        try
        {
            var trained = priors.Select(prior => (prior.Level, Prior: Open(prior.Run, run, images))).ToArray();
            var further = new Dictionary<string, double>(figures.Further);
            double rate = 0;
            int codes = 0;
            foreach (var (level, (package, states)) in trained)
            {
                var ofLevel = ProgressDisplay.Run($"Evaluating the prior of the {level.ToLowerInvariant()} level", report => Evaluator.Evaluate(
                    package, states, images, options, (done, total) => report(done, total), cancellation));
                further[$"priorNllPerCode{level}"] = ofLevel.Further["priorNllPerCode"];
                (rate, codes) = (rate + ofLevel.Rate!.Value, codes + (int)package.Manifest.Model["codesPerImage"]!);
            }

            further["priorNllPerCode"] = rate / codes;
            further["priorRate"] = rate;
            further["priorRateBitsPerDimension"] = rate / (images.ImageSize * Math.Log(2));
            return figures with { Further = further };
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Console.Error.WriteLine($"The rate under the run's priors is left out: {e.Message}");
            return figures;
        }
    }

    private static (TrainingPackage Package, IReadOnlyDictionary<string, Exporters.Onnx.Tensor> States) Open(RunFolder prior, RunFolder run, ImageSource images)
    {
        if (!prior.HoldsRun)
        {
            throw new FileNotFoundException($"there is no '{prior.Path}', train it with 'onnxvae prior {run.Path}'.");
        }

        var package = TrainingPackage.Open(prior.Package);
        var trained = Checkpoint.Load(prior.NewestCheckpoint(), package.Fingerprint);
        long steps = prior.ReadOptions<PriorOptions>().Training.Steps;
        return trained.Step < steps ? throw new InvalidDataException($"'{prior.Path}' is at step {trained.Step} of {steps}; continue with the command that began it.")
            : !CompanionPackage.IsForWeights(package.Manifest.Model, run) ? throw new InvalidDataException($"'{prior.Path}' was trained for other weights than the run has now.")
            : !CompanionPackage.IsForClasses(package.Manifest.Model, images.Classes) ? throw new InvalidDataException($"'{prior.Path}' was trained for other classes than these images have.")
            : (package, trained.States);
    }
}
