using System.Globalization;

namespace OnnxVae.Training.Evaluation;

/// <summary>How far the latents have stopped carrying information about the images.</summary>
public enum CollapseDegree
{
    /// <summary>There are too few images to tell.</summary>
    Unknown,

    /// <summary>Every latent is in use.</summary>
    None,

    /// <summary>Some latents are dead, the others are in use.</summary>
    DeadLatents,

    /// <summary>The latents make no difference to the decoded images.</summary>
    Collapsed,
}

/// <summary>The effect of decoding images from the latents of other images.</summary>
/// <param name="Distortion">The distortion (reconstruction loss) with their own latents, nats per image.</param>
/// <param name="Exchanged">The distortion with those of others, nats per image.</param>
/// <param name="Changed">The fraction of images for which it makes a difference, from 0 to 1.</param>
/// <param name="StandardError">The standard error of the difference, nats per image: latents that are noise make a difference by chance.</param>
public sealed record LatentExchange(double Distortion, double Exchanged, double Changed, double StandardError)
{
    private const double Certain = 3; // standard errors
    private const double LeastNats = 0.05;
    private const double LeastShare = 0.01;

    /// <summary>Whether the distortions differ at all.</summary>
    public bool IsSeen => IsChange(Distortion, Exchanged);

    /// <summary>Whether the decoder uses anything in the latents that is about the image.</summary>
    public bool IsNoticed => IsSeen && Math.Abs(Exchanged - Distortion) >= Certain * StandardError;
    /// <summary>Whether two distortions differ: by 0.05 nats, or by 1 % of the first.</summary>
    public static bool IsChange(double distortion, double exchanged)
    {
        double difference = Math.Abs(exchanged - distortion);
        return difference >= LeastNats || (difference > 0 && difference >= LeastShare * Math.Abs(distortion));
    }
}

/// <summary>The verdict on posterior collapse: latents that carry no information about the image, or that the decoder ignores.</summary>
/// <remarks>
/// The rate (KL term) alone cannot tell: a decoder can ignore latents that cost many nats, and a few nats can be all there is to know. So
/// the model is collapsed if decoding from the latents of another image changes the distortion by less than 0.05 nats and by less than 1 % of it, or
/// by no more than chance (three standard errors), or if the rate, an upper bound on the information in the latents, is below 0.01 nats. With fewer
/// than 30 images chance cannot be ruled out, and the verdict is left open. A latent is active if the variance of its posterior mean over the data is
/// more than 0.01 times its variance under the prior. Bowman et al. 2016, arXiv 1511.06349; Burda et al. 2016, arXiv 1509.00519, section 5,
/// for a prior of variance 1.
/// </remarks>
/// <param name="Degree">How far it went.</param>
/// <param name="DeadLatents">The latents that are not active, numbered from 0.</param>
/// <param name="Text">The verdict as text, with suggestions.</param>
public sealed record PosteriorCollapse(CollapseDegree Degree, IReadOnlyList<int> DeadLatents, string Text)
{
    /// <summary>The variance of a posterior mean over the data, in units of the prior's variance, above which its latent is active.</summary>
    public const double ActiveVariance = 0.01;

    private const int FewImages = 30; // with fewer, a standard error says little
    private const double LeastInformation = 0.1; // nats per image
    private const double LeastRate = 0.01; // nats per image
    private const int MostNamed = 12;

    private const string Remedies = "try a smaller beta (0.1 to 0.5), a warm-up of beta, free bits (0.1), or a less powerful decoder";

    /// <summary>Reaches a verdict.</summary>
    /// <param name="images">How many images were evaluated.</param>
    /// <param name="relativeVariances">The variance of each latent's posterior mean over the data, in units of the prior's variance.</param>
    /// <param name="rate">E KL(Q(z|y) || P(z)), nats per image.</param>
    /// <param name="information">I(y; z), nats per image: decides if no exchange was measured.</param>
    /// <param name="exchange">The effect of decoding from the latents of others; null if not measured.</param>
    public static PosteriorCollapse Judge(long images, IReadOnlyList<double> relativeVariances, double rate, double information, LatentExchange? exchange)
    {
        int[] dead = [.. Enumerable.Range(0, relativeVariances.Count).Where(l => !(relativeVariances[l] > ActiveVariance))];
        int active = relativeVariances.Count - dead.Length;
        string state = string.Create(CultureInfo.InvariantCulture, $"{active} of {relativeVariances.Count} latents are active, the rate is {rate:0.##} nats per image{Describe(exchange)}");
        bool isUsed = rate >= LeastRate && (exchange?.IsNoticed ?? (active > 0 && information >= LeastInformation));
        bool isOpen = images < FewImages && rate >= LeastRate && exchange is { IsSeen: true, IsNoticed: false };
        var degree = images < 2 || isOpen ? CollapseDegree.Unknown
            : !isUsed ? CollapseDegree.Collapsed
            : dead.Length > 0 ? CollapseDegree.DeadLatents
            : CollapseDegree.None;
        return new PosteriorCollapse(degree, dead, degree switch
        {
            CollapseDegree.Unknown when images > 1 => $"not known, {images} images are too few to tell the difference from chance: {state}; evaluate more, or train longer",
            CollapseDegree.Unknown => "not known: one image cannot tell whether latents follow the image",
            CollapseDegree.Collapsed when rate >= LeastInformation && active > 0 => $"collapsed, the decoder does not use the latents: {state}; {Remedies}",
            CollapseDegree.Collapsed => $"collapsed: {state}; {Remedies}",
            CollapseDegree.DeadLatents => $"not collapsed: {state}; dead latents: {Name(dead)}. Surplus latents die at no cost, but if reconstructions lack detail, {Remedies}",
            _ => $"not collapsed: {state}",
        });
    }

    private static string Describe(LatentExchange? exchange) => exchange is null ? "" : string.Create(
        CultureInfo.InvariantCulture,
        $", and with the latents of another image the distortion is {exchange.Exchanged:0.##} instead of {exchange.Distortion:0.##} (a change for {exchange.Changed:P0} of the images)");

    private static string Name(int[] latents) =>
        string.Join(", ", latents.Take(MostNamed)) + (latents.Length > MostNamed ? $" and {latents.Length - MostNamed} more" : "");
}
