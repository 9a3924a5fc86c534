using OnnxVae.Cli.Runs;
using OnnxVae.Cli.Terminal;
using OnnxVae.Format;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Verbs.Evaluate;

/// <summary>The rate (KL term) of images under the priors of a run's codes; without them, a uniform prior only gives an upper bound.</summary>
internal static class PriorEvaluation
{
    private const int ImagesWithoutClass = 1000; // each is evaluated once per class

    /// <summary>
    /// Adds <c>priorRate</c>, nats per image, the rate of the codes under the priors, given each image's true class, with
    /// <c>priorRateBitsPerDimension</c>, <c>priorNllPerCode</c> and the same for each level, if the run has priors; and
    /// <c>priorRateWithoutClass</c>, -ln sum of P(class) P(codes | class) with the class frequencies, for up to 1,000 images
    /// (<c>priorRateWithoutClassImages</c>); the bound from uniform codes is comparable only with this one. If the priors cannot be used, for
    /// instance because one level has none, a line on the error stream says why.
    /// </summary>
    /// <param name="figures">The metrics of the run's model on the images.</param>
    /// <param name="run">The run.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">How they are evaluated.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static EvaluationFigures Add(EvaluationFigures figures, RunFolder run, ImageSource images, EvaluatorOptions options, CancellationToken cancellation)
    {
        var priors = figures.Codes.Keys.Select(level => (Level: level, Run: new RunFolder(Path.Combine(run.Path, CodeLevel.PriorFolder(level.ToLowerInvariant()))))).ToArray();
        if (!priors.Any(prior => prior.Run.HoldsRun))
        {
            return figures;
        }

        try
        {
            var trained = priors.Select(prior => (prior.Level, Prior: Open(prior.Run, prior.Level, run, images))).ToArray();
            var further = new Dictionary<string, double>(figures.Further);
            double rate = 0;
            int codes = 0;
            foreach (var (level, (package, states)) in trained)
            {
                var ofLevel = ProgressDisplay.Run($"Evaluating the prior of the {level.ToLowerInvariant()} level", report => Evaluator.Evaluate(
                    package, states, images, options, (done, total) => report(done, total), cancellation));
                further[$"priorNllPerCode{level}"] = ofLevel.Further["priorNllPerCode"];
                (rate, codes) = (rate + ofLevel.Rate!.Value, codes + (int)package.DescribedNumber("codesPerImage"));
            }

            further["priorNllPerCode"] = rate / codes;
            further["priorRate"] = rate;
            if (images.Classes.Count > 1)
            {
                var some = images.Sample(ImagesWithoutClass, options.Seed);
                further["priorRateWithoutClass"] = ProgressDisplay.Run("Evaluating the priors without the class", report => ClassMarginal.Cost(
                    "rate", [.. trained.Select(prior => prior.Prior)], some, ClassMarginal.Frequencies(images), options, (done, total) => report(done, total), cancellation));
                further["priorRateWithoutClassImages"] = some.Count;
            }

            further["priorRateBitsPerDimension"] = rate / (images.ImageSize * Math.Log(2));
            return figures with { Further = further };
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Console.Error.WriteLine($"The rate under the run's priors is left out: {e.Message}");
            return figures;
        }
    }

    private static TrainedModel Open(RunFolder prior, string level, RunFolder run, ImageSource images)
    {
        if (!prior.HoldsRun)
        {
            throw new FileNotFoundException($"there is no '{prior.Path}', train it with 'onnxvae prior {run.Path} --level {level.ToLowerInvariant()}'.");
        }

        var package = TrainingPackage.Open(prior.Package);
        var trained = Checkpoints.LoadKept(prior, package);
        long steps = (long)package.DescribedNumber("steps");
        bool isFinished = prior.NewestStep >= steps || File.Exists(prior.Evaluation); // which is written last, also where patience has ended
        return !isFinished ? throw new InvalidDataException($"'{prior.Path}' is at step {trained.Step} of {steps}; continue with the command that began it.")
            : !AuxiliaryModel.IsForWeights(package, run) ? throw new InvalidDataException($"'{prior.Path}' was trained for other weights than the run has now.")
            : !AuxiliaryModel.IsForClasses(package, images.Classes) ? throw new InvalidDataException($"'{prior.Path}' was trained for other classes than these images have.")
            : new TrainedModel(package, trained.States);
    }
}
