namespace OnnxVae.Format;

/// <summary>The names of an imputer's tensors.</summary>
internal static class ImputerNames
{
    /// <summary>The input of noise, standard normal, [N, K, L].</summary>
    public const string Noise = "eps";

    /// <summary>ln P(y, z) / R(z) of each sample of the latents, drawn from R(z), [N, K].</summary>
    public const string LogWeight = "logWeight";

    /// <summary>The mean of P(y|z) for each sample, [N, K, C].</summary>
    public const string Mean = "mean";

    /// <summary>Its standard deviation, [N, K, C].</summary>
    public const string Deviation = "deviation";
}
