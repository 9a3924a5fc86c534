namespace OnnxVae.Training.Reports;

/// <summary>What a figure means, for people.</summary>
/// <param name="Title">Its name in words.</param>
/// <param name="Meaning">A sentence on what it is and which direction is good.</param>
internal sealed record FigureText(string Title, string Meaning)
{
    private static readonly Dictionary<string, FigureText> Table = new()
    {
        ["negativeElbo"] = new("Negative ELBO", "Distortion plus rate, nats per image: an upper bound on the negative log-likelihood. Lower is better."),
        ["rate"] = new("Rate (KL term)", "How much the latents say about an image, nats per image. Neither direction is better by itself: less rate is good where the distortion stays the same."),
        ["distortion"] = new("Distortion (reconstruction loss)", "What is left to say about an image once its latents are known, nats per image. Lower is better."),
        ["distortionExchanged"] = new("Distortion with other latents", "The distortion when an image is decoded from the latents of another one. The further above the distortion, the more the decoder uses the latents."),
        ["changedByExchange"] = new("Share of images changed by the exchange", "Images whose distortion that exchange changes. Close to 1 is good: the latents matter."),
        ["negativeLogLikelihood"] = new("Negative log-likelihood", "The importance-weighted estimate, nats per image; an upper bound that is tighter than the negative ELBO. Lower is better."),
        ["importanceSamples"] = new("Importance samples", "Draws per image for the negative log-likelihood. The more, the tighter the bound."),
        ["bitsPerDimension"] = new("Bits per dimension", "The negative ELBO per value of an image, in bits. Lower is better."),
        ["rateBitsPerDimension"] = new("Rate in bits per dimension", "The rate per value of an image, in bits."),
        ["distortionBitsPerDimension"] = new("Distortion in bits per dimension", "The distortion per value of an image, in bits. Lower is better."),
        ["sigma"] = new("Sigma", "The standard deviation of a value around its reconstruction: of pixels, where black is 0 and white is 1, or of numbers as the model sees them, after scaling. Lower means reconstructions closer to the data."),
        ["activeUnits"] = new("Active latents", "Latents whose posterior mean varies over the images. The others are not in use; many unused ones suggest fewer latents or a smaller beta."),
        ["mutualInformation"] = new("Mutual information, lower estimate", "What the latents say about which image it is, nats. It cannot exceed its ceiling, the logarithm of the number of images behind it."),
        ["mutualInformationUpper"] = new("Mutual information, upper estimate", "An upper estimate of what the latents say about which image it is, nats."),
        ["mutualInformationCeiling"] = new("Ceiling of the mutual information", "The logarithm of the number of images behind the estimates, nats."),
        ["marginalKlLower"] = new("Marginal KL, lower estimate", "How far the latents of all images together are from the prior, nats. Lower is better: samples from the prior then look like reconstructions."),
        ["marginalKlUpper"] = new("Marginal KL, upper estimate", "An upper estimate of how far the latents of all images together are from the prior, nats. Lower is better."),
        ["informationImages"] = new("Images for the information estimates", "The more, the more exact they are."),
        ["images"] = new("Images evaluated", "How many images the figures are means over."),
        ["posteriorCollapse"] = new("Posterior collapse", "Whether the decoder ignores the latents, or some of them."),
        ["observedValues"] = new("Observed values", "The values of a row that are not missing, which the likelihood is of."),
        ["unknownValues"] = new("Unknown values", "The values of an image that the likelihood is of, where a part of it is given."),
        ["negativeElboWithoutClass"] = new("Negative ELBO without the class", "The bound for images whose class is not known, nats per image. Lower is better."),
        ["mixtureGain"] = new("Gain of the mixture", "How much lower the rate would be with the fitted mixture as prior, nats per image. Higher means that the mixture draws better samples."),
        ["squaredError"] = new("Squared error", "The sum over an image's values. Lower is better."),
        ["absoluteError"] = new("Absolute error", "The sum over an image's values. Lower is better."),
        ["dissimilarity"] = new("Structural dissimilarity", "One minus the structural similarity, per image. Lower is better."),
        ["meanSquaredError"] = new("Mean squared error", "Per value of an image. Lower is better."),
        ["meanSquaredErrorTopExchanged"] = new("Mean squared error with another top level", "The error with the top level's codes of another image. The further above the mean squared error, the more the top level knows."),
        ["priorNllPerCode"] = new("Negative log-likelihood per code", "Nats per code. Lower is better; codes drawn at random have the logarithm of their number."),
        ["uniformNllPerCode"] = new("Negative log-likelihood per code, uniform", "The logarithm of the number of codes, nats per code: what a prior that has learned nothing would have."),
        ["crossEntropy"] = new("Cross-entropy", "-ln of the probability of the right class, nats per image. Lower is better."),
        ["accuracy"] = new("Accuracy", "The share of images whose most likely class is the right one. Higher is better."),
        ["verdict"] = new("Segmentation", "What the latent segmentation carries."),
        ["distortionFromPrior"] = new("Distortion from the prior's segments", "The distortion with segments drawn without seeing the colors, nats per image. Lower is better."),
        ["exactNegativeLogLikelihood"] = new("Negative log-likelihood, exact", "Summed over all segmentations, nats per image. Lower is better."),
        ["segmentEntropy"] = new("Entropy of the segments", "Nats per cell; 0 if one segment is used for everything."),
        ["priorEntropy"] = new("Entropy of the prior's segments", "Nats per image, given the grayscale image."),
        ["informationAboutGrey"] = new("Information about the grayscale image", "What the segments say about it, nats per cell."),
        ["informationAboutColorLower"] = new("Information about the colors, lower bound", "What the segments say about the colors, nats per image."),
        ["informationAboutColorUpper"] = new("Information about the colors, upper bound", "An upper bound on what the segments say about the colors, nats per image."),
        ["trueConditionalEntropy"] = new("True entropy of the colors", "Given the grayscale image, nats per image: the least distortion plus rate that is possible."),
        ["adjustedRandIndex"] = new("Adjusted Rand index", "Agreement of the segments with the true ones: 1 for perfect, 0 for chance. Higher is better."),
        ["meanIntersectionOverUnion"] = new("Mean intersection over union", "Overlap of the segments with the true ones, after matching. Higher is better."),
    };

    /// <summary>The text of a figure, by its name in files.</summary>
    public static FigureText Of(string name) => Table.GetValueOrDefault(name)
        ?? (name.StartsWith("usage", StringComparison.Ordinal) ? new($"Codes in use{LevelOf(name, "usage")}", "The share of codes that occur at all. Higher is better.")
        : name.StartsWith("perplexity", StringComparison.Ordinal) ? new($"Perplexity of the codes{LevelOf(name, "perplexity")}", "The number of equally frequent codes with the same entropy. Higher means that more codes carry information.")
        : name.StartsWith("train", StringComparison.Ordinal) && Table.TryGetValue($"{char.ToLowerInvariant(name[5])}{name[6..]}", out var same) ? new($"{same.Title}, training images", "The same for images it was trained on. A large gap means overfitting.")
        : new(Wording.Sentence(Wording.Name(name)), ""));

    private static string LevelOf(string name, string figure) => name.Length == figure.Length ? "" : $", {Wording.Name(char.ToLowerInvariant(name[figure.Length]) + name[(figure.Length + 1)..])}";
}
