using OnnxVae.Training.Data;

namespace OnnxVae.Training.Evaluation;

/// <summary>Marginalizes class-conditional models over the class.</summary>
public static class ClassMarginal
{
    /// <summary>
    /// What images cost without knowledge of the class: the mean of -ln sum over c of P(c) product over models of exp(-cost given c), nats per image, with
    /// the class frequencies as P(c). It exceeds the mean cost given the true class by at most the mean of -ln P(c).
    /// </summary>
    /// <param name="metric">The metric that is the cost, per image: <c>rate</c> of codes, <c>negativeElbo</c>.</param>
    /// <param name="models">Models with such a metric that depends on the label, each explaining a part of an image.</param>
    /// <param name="images">The images.</param>
    /// <param name="frequencies">P(c) for each class, Float64 [K].</param>
    /// <param name="options">How to evaluate.</param>
    /// <param name="progress">Called with the number of classes done and the total.</param>
    /// <param name="cancellation">Stops with <see cref="OperationCanceledException"/>.</param>
    public static double Cost(
        string metric,
        IReadOnlyList<TrainedModel> models,
        ImageSource images,
        IReadOnlyList<double> frequencies,
        EvaluatorOptions options,
        Action<long, long>? progress = null,
        CancellationToken cancellation = default)
    {
        int classes = images.Classes.Count;
        double[][] joint = [.. Enumerable.Range(0, (int)images.Count).Select(_ => frequencies.Select(frequency => Math.Log(frequency)).ToArray())];
        for (int label = 0; label < classes; label++)
        {
            foreach (var model in models)
            {
                float[] costs = Evaluator.PerImage(model.Package, model.States, new ImagesOfOneClass(images, label), metric, options, cancellation);
                for (int i = 0; i < costs.Length; i++)
                {
                    joint[i][label] -= costs[i];
                }
            }

            progress?.Invoke(label + 1, classes);
        }

        return -joint.Average(terms =>
        {
            double largest = terms.Max();
            return largest + Math.Log(terms.Sum(term => Math.Exp(term - largest)));
        });
    }

    /// <summary>The fraction of each class among images, Float64 [K].</summary>
    /// <param name="images">The images; without labels, the result is empty.</param>
    public static double[] Frequencies(ImageSource images)
    {
        var counts = new double[images.Classes.Count];
        for (long i = 0; i < images.Count && counts.Length > 0; i++)
        {
            counts[images.LabelOf(i)]++;
        }

        return [.. counts.Select(count => count / images.Count)];
    }

    private sealed class ImagesOfOneClass(ImageSource source, int label) : DelegatingImageSource(source)
    {
        public override int LabelOf(long index) => label;
    }
}
