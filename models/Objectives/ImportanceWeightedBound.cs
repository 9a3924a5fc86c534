using OnnxVae.Exporters.Graph;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models.Objectives;

/// <summary>The importance-weighted bound -E ln 1/K sum of P(y, z_k) / Q(z_k|y), between the negative ELBO (K = 1) and -ln P(y).</summary>
/// <remarks>IWAE: Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519, equation 8.</remarks>
public sealed class ImportanceWeightedBound : Objective
{
    /// <summary>Sets the number of samples.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than one.</exception>
    public ImportanceWeightedBound(int samples) => Samples = samples >= 1
        ? samples
        : throw new ArgumentOutOfRangeException(nameof(samples), $"The number of samples is {samples}; the bound needs at least 1.");

    /// <inheritdoc/>
    public override int Samples { get; }

    /// <inheritdoc/>
    public override string Formula => $"-E ln 1/{Samples} sum of P(y, z_k) / Q(z_k|y)";

    /// <inheritdoc/>
    public override Value Loss(ElboTerms terms)
    {
        var weights = Reshape(terms.LogWeight, [Samples, terms.LogWeight.Shape[0] / Samples]);
        return MathF.Log(Samples) - Mean(LogSumExp(weights, axis: 0));
    }
}
