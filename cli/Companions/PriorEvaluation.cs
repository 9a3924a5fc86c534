using OnnxVae.Exporters.Programs;
using OnnxVae.Inference.Codes;
using OnnxVae.Training;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Companions;

/// <summary>What the priors of a run's codes know of images: the rate under them, where equally likely codes only give a bound.</summary>
internal static class PriorEvaluation
{
    /// <summary>
    /// Adds <c>priorRate</c>, nats per image, <c>priorRateBitsPerDimension</c>, <c>priorNllPerCode</c> and the same for each level, if priors of all
    /// levels were trained for the run's weights and for the images' classes.
    /// </summary>
    /// <param name="figures">The figures of the run's model on the images.</param>
    /// <param name="run">The run.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">How they are evaluated.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static EvaluationFigures Add(EvaluationFigures figures, RunFolder run, ImageSource images, EvaluatorOptions options, CancellationToken cancellation)
    {
        var priors = figures.Codes.Keys.Select(level => (Level: level, Run: new RunFolder(Path.Combine(run.Path, PriorCompilation.FolderOf(level.ToLowerInvariant()))))).ToArray();
        bool areExported = CodePrior.FilesOf(priors.Length).All(file => File.Exists(Path.Combine(run.Export, file))); // they go when other weights are exported
        if (priors.Length == 0 || !areExported || !priors.All(prior => IsFor(images, prior.Run)))
        {
            return figures;
        }

        var further = new Dictionary<string, double>(figures.Further);
        double rate = 0;
        int codes = 0;
        foreach (var (level, prior) in priors)
        {
            var package = TrainingPackage.Open(prior.Package);
            var states = Checkpoint.Load(prior.NewestCheckpoint(), package.Fingerprint).States;
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

    private static bool IsFor(ImageSource images, RunFolder prior) =>
        prior.HoldsRun && TrainingPackage.Open(prior.Package).Manifest.Model["classes"]!.AsArray().Select(name => (string)name!).SequenceEqual(images.Classes);
}
