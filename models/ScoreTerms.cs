using OnnxVae.Exporters.Graph;
using OnnxVae.Format;
using static OnnxVae.Exporters.Graph.Ops;

namespace OnnxVae.Models;

/// <summary>What a scorer says of an example, for each of K samples of its latents: K copies of a batch of N, one after the other; nats.</summary>
/// <param name="Distortion">-ln P(y|z), Float32 [K N].</param>
/// <param name="Rate">The KL term, Float32 [K N].</param>
/// <param name="SquaredError">The squared difference of y and the mean of P(y|z), summed over values, Float32 [K N].</param>
internal sealed record ScoreTerms(Value Distortion, Value Rate, Value SquaredError)
{
    /// <summary>Whether distortion and rate are those of a density, so that their sum bounds -ln P(y).</summary>
    public required bool IsNormalized { get; init; }

    /// <summary>ln P(y, z) / Q(z|y), Float32 [K N]; null where there are no such weights.</summary>
    public Value? LogWeight { get; init; }

    /// <summary>The distortion of each value, Float32 [K N, ...]; null for a likelihood that does not factorize over values.</summary>
    public Value? ValueDistortions { get; init; }

    /// <summary>
    /// The scorer: <c>negativeElbo</c>, <c>distortion</c>, <c>rate</c> and <c>squaredError</c>, means over samples, Float32 [N];
    /// <c>negativeLogLikelihood</c>, -ln 1/K sum of P(y, z_k) / Q(z_k|y) (Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519, equation 8), Float32 [N];
    /// and <c>map</c>, Float32 [N, ...].
    /// </summary>
    /// <param name="inputs">The example, its noise, and its condition.</param>
    /// <param name="samples">K.</param>
    /// <param name="metadata">Further metadata of the file.</param>
    public Deployable Scorer(IReadOnlyList<Value> inputs, int samples, IEnumerable<(string Key, string Value)> metadata)
    {
        var outputs = new List<(string Name, Value Value)>();
        if (IsNormalized)
        {
            outputs.Add((ScoreNames.NegativeElbo, Average(Distortion + Rate)));
        }

        if (IsNormalized && LogWeight is not null)
        {
            outputs.Add((ScoreNames.NegativeLogLikelihood, MathF.Log(samples) - LogSumExp(BySample(LogWeight), axis: 0)));
        }

        outputs.AddRange([(ScoreNames.Distortion, Average(Distortion)), (ScoreNames.Rate, Average(Rate)), (ScoreNames.SquaredError, Average(SquaredError))]);
        if (ValueDistortions is not null)
        {
            outputs.Add((ScoreNames.Map, Average(ValueDistortions)));
        }

        return new Deployable(ExportedKinds.Scorer, inputs, outputs, [(MetadataKeys.Samples, $"{samples}"), .. metadata]);

        Value BySample(Value x) => Reshape(x, [samples, x.Shape[0] / samples, .. x.Shape.Skip(1)]);

        Value Average(Value x) => samples == 1 ? x : ReduceMean(BySample(x), [0]);
    }
}
