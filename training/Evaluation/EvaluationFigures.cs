using System.Text.Json;
using System.Text.Json.Nodes;
using OnnxVae.Format;

namespace OnnxVae.Training.Evaluation;

/// <summary>
/// The metrics of a model on a data set, in nats per image unless the name says otherwise: sums over pixels and latents,
/// means over images. Rate is the KL term, distortion the reconstruction loss.
/// </summary>
public sealed record EvaluationFigures
{
    /// <summary>Distortion + rate: an upper bound on the negative log-likelihood. Null if P(y|z) is only known up to a factor.</summary>
    public double? NegativeElbo { get; init; }

    /// <summary>E KL(Q(z|y) || P(z)); null for a model without latents.</summary>
    public double? Rate { get; init; }

    /// <summary>E [-ln P(y|z)]; null for a model that does not output images.</summary>
    public double? Distortion { get; init; }

    /// <summary>
    /// The distortion with the latents of another image: its excess over <see cref="Distortion"/> is what the decoder gains from the latents.
    /// Null for a single image, and for models that were compiled for one image at a time.
    /// </summary>
    public double? DistortionExchanged { get; init; }

    /// <summary>The fraction of images whose distortion changes with the latents of another image, by at least 0.05 nats or 1 %; from 0 to 1.</summary>
    public double? ChangedByExchange { get; init; }

    /// <summary>The means of the model's other per-image metrics: the measured distortion of a rate-distortion autoencoder.</summary>
    public IReadOnlyDictionary<string, double> Further { get; init; } = new Dictionary<string, double>();

    /// <summary>The importance-weighted estimate -ln 1/K sum of P(y, z_k) / Q(z_k|y), an upper bound in expectation that tightens with K; the gap to the negative ELBO estimates E KL(Q(z|y) || P(z|y)). Burda et al. 2016, arXiv 1509.00519.</summary>
    public double? NegativeLogLikelihood { get; init; }

    /// <summary>K of <see cref="NegativeLogLikelihood"/>; null if that is null.</summary>
    public int? ImportanceSamples { get; init; }

    /// <summary>The negative ELBO per value of an image, in bits: negativeElbo / (d ln 2).</summary>
    public double? BitsPerDimension { get; init; }

    /// <summary>The rate per value of an image, in bits: rate / (d ln 2). For rounded latents, the size of the code that 'compress' writes.</summary>
    public double? RateBitsPerDimension { get; init; }

    /// <summary>The distortion per value of an image, in bits: distortion / (d ln 2). Null if P(y|z) is only known up to a factor.</summary>
    public double? DistortionBitsPerDimension { get; init; }

    /// <summary>The standard deviation of a pixel, in units of the pixel range; for Gaussian likelihoods.</summary>
    public double? Sigma { get; init; }

    /// <summary>
    /// The number of latents whose posterior mean has a variance over the data of more than 0.01 times the prior's. Burda et al. 2016, section 5.
    /// Null for codes.
    /// </summary>
    public int? ActiveUnits { get; init; }

    /// <summary>Rate of each latent; null where the rate does not factorize over the latents.</summary>
    public IReadOnlyList<double>? RatePerLatent { get; init; }

    /// <summary>
    /// The plug-in estimate of I(y; z) between images and latents, with the aggregated posterior of <see cref="InformationImages"/> images; a lower
    /// estimate. Null, like the metrics derived from it, for rounded latents and for a single image.
    /// </summary>
    public double? MutualInformation { get; init; }

    /// <summary>An upper estimate of I(y; z): the smaller of the rate and the leave-one-out bound. Poole et al. 2019, arXiv 1905.06922.</summary>
    public double? MutualInformationUpper { get; init; }

    /// <summary>ln of <see cref="InformationImages"/>, which <see cref="MutualInformation"/> cannot exceed.</summary>
    public double? MutualInformationCeiling { get; init; }

    /// <summary>
    /// A lower estimate of the KL divergence of the aggregated posterior from the prior: the larger of the rate minus the leave-one-out bound on I(y; z), and
    /// E ln m(z) - E ln P(z), with a density m fitted to other samples of the aggregated posterior; at least 0. Hoffman and Johnson 2016.
    /// </summary>
    public double? MarginalKlLower { get; init; }

    /// <summary>An upper estimate of it: rate - mutualInformation, over the same images. It is far too large if that is near its ceiling.</summary>
    public double? MarginalKlUpper { get; init; }

    /// <summary>Number of images behind <see cref="MutualInformation"/>.</summary>
    public int? InformationImages { get; init; }

    /// <summary>Number of images evaluated.</summary>
    public required long Images { get; init; }

    /// <summary>The code usage of each level, by the level's name; empty for models without codes.</summary>
    public IReadOnlyDictionary<string, CodeUsage> Codes { get; init; } = new Dictionary<string, CodeUsage>();

    /// <summary>Whether the latents are in use; null for codes.</summary>
    public PosteriorCollapse? PosteriorCollapse { get; init; }

    /// <summary>What a latent segmentation carries, in words; null for models without one.</summary>
    public string? Verdict { get; init; }

    /// <summary>The figures as JSON.</summary>
    public override string ToString() => ToJson().ToString();

    /// <summary>Writes the metrics to a JSON file.</summary>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(ToJson(), Manifest.JsonOptions));

    /// <summary>The metrics under the names that they have in files.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["negativeElbo"] = NegativeElbo,
            ["rate"] = Rate,
            ["distortion"] = Distortion,
            ["distortionExchanged"] = DistortionExchanged,
            ["changedByExchange"] = ChangedByExchange,
            ["negativeLogLikelihood"] = NegativeLogLikelihood,
            ["importanceSamples"] = ImportanceSamples,
            ["bitsPerDimension"] = BitsPerDimension,
            ["rateBitsPerDimension"] = RateBitsPerDimension,
            ["distortionBitsPerDimension"] = DistortionBitsPerDimension,
            ["sigma"] = Sigma,
            ["activeUnits"] = ActiveUnits,
            ["ratePerLatent"] = RatePerLatent is null ? null : new JsonArray([.. RatePerLatent.Select(rate => (JsonNode)rate)]),
            ["mutualInformation"] = MutualInformation,
            ["mutualInformationUpper"] = MutualInformationUpper,
            ["mutualInformationCeiling"] = MutualInformationCeiling,
            ["marginalKlLower"] = MarginalKlLower,
            ["marginalKlUpper"] = MarginalKlUpper,
            ["informationImages"] = InformationImages,
            ["images"] = Images,
            ["posteriorCollapse"] = PosteriorCollapse?.Text,
        };
        foreach (var (name, value) in Further)
        {
            json[name] = value;
        }

        foreach (var (level, usage) in Codes)
        {
            (json[$"usage{level}"], json[$"perplexity{level}"]) = (usage.Usage, usage.Perplexity);
        }

        json["verdict"] = Verdict;
        foreach (string absent in json.Where(entry => entry.Value is null).Select(entry => entry.Key).ToArray())
        {
            json.Remove(absent);
        }

        return json;
    }
}
