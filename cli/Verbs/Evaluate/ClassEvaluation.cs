using OnnxVae.Cli.Terminal;
using OnnxVae.Training.Data;
using OnnxVae.Training.Evaluation;

namespace OnnxVae.Cli.Verbs.Evaluate;

/// <summary>The metrics of a model that is conditional on the class, without knowledge of the class.</summary>
internal static class ClassEvaluation
{
    private const long MostImages = 1000;

    /// <summary>
    /// Adds <c>negativeElboWithoutClass</c>, -ln sum of P(class) exp ELBO(image | class) with the class frequencies, for up to 1,000 images
    /// (<c>withoutClassImages</c>): comparable with the negative ELBO of unconditional models.
    /// </summary>
    /// <param name="figures">The metrics given the true classes.</param>
    /// <param name="model">The model.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">How they are evaluated.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static EvaluationFigures Add(EvaluationFigures figures, TrainedModel model, ImageSource images, EvaluatorOptions options, CancellationToken cancellation)
    {
        if (model.Package.Manifest.Evaluate.Labels is null || figures.NegativeElbo is null || images.Classes.Count < 2)
        {
            return figures;
        }

        var some = images.Count <= MostImages ? images : images.Sample(MostImages, options.Seed);
        double cost = ProgressDisplay.Run("Evaluating without the class", report => ClassMarginal.Cost(
            "negativeElbo", [model], some, ClassMarginal.Frequencies(images), options, (done, total) => report(done, total), cancellation));
        return figures with { Further = new Dictionary<string, double>(figures.Further) { ["negativeElboWithoutClass"] = cost, ["withoutClassImages"] = some.Count } };
    }
}
