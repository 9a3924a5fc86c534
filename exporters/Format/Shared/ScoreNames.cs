namespace OnnxVae.Format;

/// <summary>The names of a scorer's tensors.</summary>
internal static class ScoreNames
{
    /// <summary>The input of noise, standard normal, [N, K, L].</summary>
    public const string Noise = "eps";

    /// <summary>Rate and distortion, if the likelihood is normalized.</summary>
    public const string NegativeElbo = "negativeElbo";

    /// <summary>The importance-weighted bound of -ln P(y), if there is one.</summary>
    public const string NegativeLogLikelihood = "negativeLogLikelihood";

    /// <summary>The KL term.</summary>
    public const string Rate = "rate";

    /// <summary>-ln P(y|z).</summary>
    public const string Distortion = "distortion";

    /// <summary>The squared difference from the mean of P(y|z), summed over values.</summary>
    public const string SquaredError = "squaredError";

    /// <summary>The distortion of each value, if the likelihood factorizes over values.</summary>
    public const string Map = "map";
}
