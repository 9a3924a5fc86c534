namespace OnnxVae.Inference;

/// <summary>The scores of some examples.</summary>
public sealed class ExampleScores
{
    private readonly Dictionary<ScoreKind, float[]> scores;
    private readonly float[] map;

    internal ExampleScores(Dictionary<ScoreKind, float[]> scores, float[] map) => (this.scores, this.map) = (scores, map);

    /// <summary>N, the number of examples.</summary>
    public int Count => scores.Values.First().Length;

    /// <summary>Which scores there are.</summary>
    public IReadOnlyList<ScoreKind> Kinds => [.. scores.Keys];

    /// <summary>A score of each example, Float32 [N].</summary>
    /// <param name="kind">Which one.</param>
    /// <exception cref="ArgumentException">The model has no such score.</exception>
    public ReadOnlySpan<float> this[ScoreKind kind] => scores.TryGetValue(kind, out float[]? values) ? values
        : throw new ArgumentException($"The model has no {kind.Name()}; it has {string.Join(", ", Kinds.Select(ScoreKinds.Name))}.", nameof(kind));

    /// <summary>The distortion of each value, nats, Float32 [N, C, ...]; empty unless it was asked for.</summary>
    public ReadOnlySpan<float> Map => map;

    /// <summary>The scores of examples that follow each other.</summary>
    internal static ExampleScores Joined(IReadOnlyList<ExampleScores> parts) => parts.Count == 1 ? parts[0]
        : new ExampleScores(parts[0].Kinds.ToDictionary(kind => kind, kind => parts.SelectMany(part => part.scores[kind]).ToArray()), [.. parts.SelectMany(part => part.map)]);

    /// <summary>The scores of some of the examples.</summary>
    internal ExampleScores Rows(int start, int end)
    {
        int size = map.Length / Count;
        return new ExampleScores(scores.ToDictionary(entry => entry.Key, entry => entry.Value[start..end]), map[(start * size)..(end * size)]);
    }
}
