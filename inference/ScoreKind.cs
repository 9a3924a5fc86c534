using OnnxVae.Format;

namespace OnnxVae.Inference;

/// <summary>What a scorer computes for an example.</summary>
public enum ScoreKind
{
    /// <summary>Rate and distortion together, nats: a bound of -ln P(y), averaged over samples of the latents.</summary>
    NegativeElbo,

    /// <summary>The importance-weighted bound of -ln P(y), nats, closer the more samples. Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519.</summary>
    NegativeLogLikelihood,

    /// <summary>-ln P(y|z), nats: how badly the latents explain the example.</summary>
    Distortion,

    /// <summary>The KL term, nats: how far the latents are from what the prior expects. The same for all examples if latents are codes.</summary>
    Rate,

    /// <summary>The squared difference from the mean of P(y|z), summed over values.</summary>
    SquaredError,
}

/// <summary>The names of scores, in files and tables: <c>negativeElbo</c>.</summary>
public static class ScoreKinds
{
    private static readonly Dictionary<string, ScoreKind> ByName = new()
    {
        [ScoreNames.NegativeElbo] = ScoreKind.NegativeElbo,
        [ScoreNames.NegativeLogLikelihood] = ScoreKind.NegativeLogLikelihood,
        [ScoreNames.Distortion] = ScoreKind.Distortion,
        [ScoreNames.Rate] = ScoreKind.Rate,
        [ScoreNames.SquaredError] = ScoreKind.SquaredError,
    };

    /// <summary>All names.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>The score of a name; null if there is none.</summary>
    /// <param name="name">The name.</param>
    public static ScoreKind? Find(string name) => ByName.TryGetValue(name, out var kind) ? kind : null;

    /// <summary>The name of a score.</summary>
    /// <param name="kind">The score.</param>
    public static string Name(this ScoreKind kind) => ByName.Single(entry => entry.Value == kind).Key;
}
