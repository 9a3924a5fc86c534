using System.Globalization;
using OnnxVae.Inference;
using OnnxVae.Inference.Codes;

namespace OnnxVae.Cli.Jobs;

/// <summary>The choice of generated images by a classifier: of several candidates the one that is likeliest to be of a class.</summary>
internal sealed class Selection : IDisposable
{
    private readonly ImageClassifier classifier;

    private Selection(string file, ImageClassifier classifier, BestOfPrior prior, int candidates) =>
        (File, this.classifier, Prior, Candidates) = (file, classifier, prior, candidates);

    /// <summary>The classifier's file.</summary>
    public string File { get; }

    /// <summary>Images of which one is kept.</summary>
    public int Candidates { get; }

    /// <summary>What images are drawn from.</summary>
    public BestOfPrior Prior { get; }

    /// <summary>Loads a classifier of images of a prior of codes.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="candidates">Images of which one is kept.</param>
    /// <param name="prior">What candidates are drawn from.</param>
    /// <param name="decoder">Makes images of them.</param>
    /// <param name="label">The name of the class; null where none was given.</param>
    /// <param name="options">How the classifier runs.</param>
    /// <exception cref="UsageException">There is no class, or no prior that knows classes.</exception>
    /// <exception cref="InvalidDataException">The classifier is none of the prior's classes.</exception>
    public static Selection Open(string file, int candidates, LatentPrior prior, VaeDecoder decoder, string? label, VaeOptions options)
    {
        if (label is null || prior is not CodePrior codes)
        {
            throw new UsageException("--classifier needs --class: what is kept is what looks like an image of that class.");
        }

        var classifier = ImageClassifier.Load(file, decoder.Metadata, options);
        if (classifier.Classes != codes.Classes.Count)
        {
            classifier.Dispose();
            throw new InvalidDataException($"'{file}' scores {classifier.Classes} classes, but the prior has {codes.Classes.Count}: {string.Join(", ", codes.Classes)}.");
        }

        return new Selection(file, classifier, new BestOfPrior(codes, decoder, classifier, codes.Classes.ToList().IndexOf(label), candidates), candidates);
    }

    /// <summary>Says how many images are kept, and which share of them the classifier recognises.</summary>
    public void Report(string label) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"Kept 1 of {Candidates} candidates; the classifier takes {Prior.RecognisedOfAll:P1} of all and {Prior.RecognisedOfKept:P1} of the kept ones for '{label}'"));

    public void Dispose() => classifier.Dispose();
}
