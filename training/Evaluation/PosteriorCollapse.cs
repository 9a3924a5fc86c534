using System.Globalization;

namespace OnnxVae.Training.Evaluation;

/// <summary>How far latents have stopped to carry information about the images.</summary>
public enum CollapseDegree
{
    /// <summary>There are too few images to tell.</summary>
    Unknown,

    /// <summary>Every latent is in use.</summary>
    None,

    /// <summary>Some latents are dead, the others speak of the image.</summary>
    DeadLatents,

    /// <summary>The latents together say next to nothing of the image.</summary>
    Collapsed,
}

/// <summary>The verdict on posterior collapse: latents whose posterior is the prior, whatever the image.</summary>
/// <remarks>Bowman et al. 2016, arXiv 1511.06349; a latent is active if its posterior mean varies by more than 0.01, Burda et al. 2016, section 5.</remarks>
/// <param name="Degree">How far it went.</param>
/// <param name="DeadLatents">The latents that are not active, from 0.</param>
/// <param name="Text">The verdict in words, with what to try.</param>
public sealed record PosteriorCollapse(CollapseDegree Degree, IReadOnlyList<int> DeadLatents, string Text)
{
    /// <summary>The variance of a posterior mean over the data above which its latent is active.</summary>
    public const double ActiveVariance = 0.01;

    private const double LeastInformation = 0.1; // nats per image
    private const int MostNamed = 12;

    private const string Remedies = "try a smaller --beta (0.1 to 0.5), --beta-warm-up, --free-bits 0.1, or a less powerful decoder";

    /// <summary>Judges.</summary>
    /// <param name="images">How many images were looked at.</param>
    /// <param name="meanVariances">The variance of each latent's posterior mean over the data.</param>
    /// <param name="rate">E KL(Q(z|y) || P(z)), nats per image.</param>
    /// <param name="information">I(y; z), nats per image.</param>
    public static PosteriorCollapse Judge(long images, IReadOnlyList<double> meanVariances, double rate, double information)
    {
        int[] dead = [.. Enumerable.Range(0, meanVariances.Count).Where(l => !(meanVariances[l] > ActiveVariance))];
        int active = meanVariances.Count - dead.Length;
        string state = string.Create(CultureInfo.InvariantCulture, $"{active} of {meanVariances.Count} latents are active, the rate is {rate:0.##} nats per image");
        var degree = images < 2 ? CollapseDegree.Unknown
            : active == 0 || information < LeastInformation ? CollapseDegree.Collapsed
            : dead.Length > 0 ? CollapseDegree.DeadLatents
            : CollapseDegree.None;
        return new PosteriorCollapse(degree, dead, degree switch
        {
            CollapseDegree.Unknown => "not known: one image cannot tell whether latents follow the image",
            CollapseDegree.Collapsed => $"collapsed: {state}; {Remedies}",
            CollapseDegree.DeadLatents => $"not collapsed: {state}; dead are {Name(dead)}: more latents than the data need die like this and cost nothing, but if reconstructions lack detail, {Remedies}",
            _ => $"not collapsed: {state}",
        });
    }

    private static string Name(int[] latents) =>
        string.Join(", ", latents.Take(MostNamed)) + (latents.Length > MostNamed ? $" and {latents.Length - MostNamed} more" : "");
}
