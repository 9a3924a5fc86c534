using OnnxVae.Format;

namespace OnnxVae.Inference;

/// <summary>What a scorer computes for an example.</summary>
public enum ScoreKind
{
    /// <summary>Rate and distortion together, nats: the bound of -ln P(y) that the model was trained to make small, averaged over samples of the latents.</summary>
    NegativeElbo,

    /// <summary>The importance-weighted bound of -ln P(y), nats, closer the more samples. Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519.</summary>
    NegativeLogLikelihood,

    /// <summary>The KL term, nats: how far the latents are from what the prior expects.</summary>
    Rate,

    /// <summary>-ln P(y|z), nats: how badly the latents explain the example.</summary>
    Distortion,

    /// <summary>The squared difference from the reconstruction, summed over values.</summary>
    SquaredError,
}

/// <summary>The names of scores.</summary>
internal static class ScoreKinds
{
    private static readonly Dictionary<string, ScoreKind> ByName = new()
    {
        [ScoreNames.NegativeElbo] = ScoreKind.NegativeElbo,
        [ScoreNames.NegativeLogLikelihood] = ScoreKind.NegativeLogLikelihood,
        [ScoreNames.Rate] = ScoreKind.Rate,
        [ScoreNames.Distortion] = ScoreKind.Distortion,
        [ScoreNames.SquaredError] = ScoreKind.SquaredError,
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>The score of a name; null if there is none.</summary>
    public static ScoreKind? Find(string name) => ByName.TryGetValue(name, out var kind) ? kind : null;

    /// <summary>The name of a score.</summary>
    public static string NameOf(ScoreKind kind) => ByName.Single(entry => entry.Value == kind).Key;
}
