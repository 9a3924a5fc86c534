using OnnxVae.Cli.Jobs;
using OnnxVae.Exporters.Programs;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;
using OnnxVae.Training.Runs;

namespace OnnxVae.Cli.Companions;

/// <summary>What the priors of a run's codes know of images: the rate under them, where equally likely codes only give a bound.</summary>
internal static class PriorEvaluation
{
    private const int ImagesWithoutClass = 1000; // each of which is evaluated as an image of every class

    /// <summary>
    /// Adds <c>priorRate</c>, nats per image, the rate of the codes under the priors, given each image's true class, with
    /// <c>priorRateBitsPerDimension</c>, <c>priorNllPerCode</c> and the same for each level, if the run has priors; and
    /// <c>priorRateWithoutClass</c>, -ln sum of P(class) P(codes | class) by the classes' frequencies, of up to 1,000 images
    /// (<c>priorRateWithoutClassImages</c>), for which alone the bound of equally likely codes can be compared with it. Where they cannot be used, because there is none of a level for instance, a line on the error stream says why.
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
                var some = new SomeImages(images, ImagesWithoutClass, options.Seed);
                further["priorRateWithoutClass"] = RateWithoutClass([.. trained.Select(prior => prior.Prior)], some, images, options, cancellation);
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

    // -ln sum over c of P(c) product over levels of P(codes of the level | c, level above), as a mean over images.
    private static double RateWithoutClass(
        (TrainingPackage Package, IReadOnlyDictionary<string, Exporters.Onnx.Tensor> States)[] priors, SomeImages some, ImageSource all, EvaluatorOptions options, CancellationToken cancellation)
    {
        int classes = some.Classes.Count;
        var frequencies = new double[classes];
        for (long i = 0; i < all.Count; i++)
        {
            frequencies[all.LabelOf(i)] += 1.0 / all.Count;
        }

        var joint = new double[some.Count][];
        for (long i = 0; i < some.Count; i++)
        {
            joint[i] = [.. frequencies.Select(frequency => Math.Log(frequency))];
        }

        ProgressDisplay.Run("Evaluating the priors without the class", report =>
        {
            for (int label = 0; label < classes; label++)
            {
                foreach (var (package, states) in priors)
                {
                    float[] rates = Evaluator.PerImage(package, states, new ImagesOfOneClass(some, label), "rate", options, cancellation);
                    for (int i = 0; i < rates.Length; i++)
                    {
                        joint[i][label] -= rates[i];
                    }
                }

                report(label + 1, classes);
            }
        });
        return -joint.Average(terms =>
        {
            double largest = terms.Max();
            return largest + Math.Log(terms.Sum(term => Math.Exp(term - largest)));
        });
    }

    private static (TrainingPackage Package, IReadOnlyDictionary<string, Exporters.Onnx.Tensor> States) Open(RunFolder prior, string level, RunFolder run, ImageSource images)
    {
        if (!prior.HoldsRun)
        {
            throw new FileNotFoundException($"there is no '{prior.Path}', train it with 'onnxvae prior {run.Path} --level {level.ToLowerInvariant()}'.");
        }

        var package = TrainingPackage.Open(prior.Package);
        var trained = Checkpoints.LoadNewest(prior, package);
        long steps = prior.ReadOptions<PriorOptions>().Training.Steps;
        return trained.Step < steps ? throw new InvalidDataException($"'{prior.Path}' is at step {trained.Step} of {steps}; continue with the command that began it.")
            : !CompanionPackage.IsForWeights(package.Manifest.Model, run) ? throw new InvalidDataException($"'{prior.Path}' was trained for other weights than the run has now.")
            : !CompanionPackage.IsForClasses(package.Manifest.Model, images.Classes) ? throw new InvalidDataException($"'{prior.Path}' was trained for other classes than these images have.")
            : (package, trained.States);
    }

    private sealed class ImagesOfOneClass(ImageSource source, int label) : ImageSource
    {
        public override long Count => source.Count;

        public override int Channels => source.Channels;

        public override int Height => source.Height;

        public override int Width => source.Width;

        public override IReadOnlyList<string> Classes => source.Classes;

        public override void Read(long index, Span<byte> pixels) => source.Read(index, pixels);

        public override int LabelOf(long index) => label;
    }
}
