using System.Globalization;
using OnnxVae.Inference;

namespace OnnxVae.Cli.Verbs.Generate;

/// <summary>Selection of generated images by a classifier: of several candidates, the one with the highest probability of a class.</summary>
internal sealed class Selection : IDisposable
{
    private readonly ImageClassifier classifier;
    private readonly BestOfPrior prior;
    private readonly string label;

    private Selection(string file, ImageClassifier classifier, BestOfPrior prior, string label, int candidates) =>
        (File, this.classifier, this.prior, this.label, Candidates) = (file, classifier, prior, label, candidates);

    /// <summary>The classifier's file.</summary>
    public string File { get; }

    /// <summary>The number of candidates for each image that is kept.</summary>
    public int Candidates { get; }

    /// <summary>The prior that selects images.</summary>
    public LatentPrior Prior => prior;

    /// <summary>Loads a classifier for the images of a prior of codes.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="candidates">The number of candidates for each image that is kept.</param>
    /// <param name="prior">The prior that candidates are drawn from.</param>
    /// <param name="decoder">Decodes the candidates.</param>
    /// <param name="label">The name of the class.</param>
    /// <param name="images">The requested images.</param>
    /// <param name="options">How the classifier runs.</param>
    /// <exception cref="InvalidDataException">The classifier has other classes than the prior.</exception>
    public static Selection Open(string file, int candidates, TrainedCodePrior prior, VaeDecoder decoder, string label, ImageRange images, VaeOptions options)
    {
        var classifier = ImageClassifier.Load(file, decoder.Metadata, options);
        bool isOfTheSame = classifier.Names is { } names ? names.SequenceEqual(prior.Classes) : classifier.Classes == prior.Classes.Count;
        if (!isOfTheSame)
        {
            classifier.Dispose();
            throw new InvalidDataException(
                $"'{file}' scores {(classifier.Names is { } others ? string.Join(", ", others) : $"{classifier.Classes} classes")}, but the prior has {string.Join(", ", prior.Classes)}: give a classifier of the same.");
        }

        return new Selection(file, classifier, new BestOfPrior(prior, decoder, classifier, prior.Classes.ToList().IndexOf(label), candidates, images), label, candidates);
    }

    /// <summary>The number of candidates, and the fractions of all and of the kept images that the classifier recognizes.</summary>
    public string Report() => string.Create(
        CultureInfo.InvariantCulture,
        $"Kept 1 of {Candidates} candidates; the classifier recognizes {prior.RecognisedOfAll:P1} of all and {prior.RecognisedOfKept:P1} of the kept images as '{label}'");

    public void Dispose() => classifier.Dispose();
}
