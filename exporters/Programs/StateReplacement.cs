using OnnxVae.Exporters.Graph;

namespace OnnxVae.Exporters.Programs;

/// <summary>Graphs that read other states: averaged weights in place of the latest.</summary>
public static class StateReplacement
{
    /// <summary>The same graphs over other states.</summary>
    /// <param name="values">The graphs' results.</param>
    /// <param name="instead">What is read in place of each state; the others stay.</param>
    public static IReadOnlyList<Value> Replace(IReadOnlyList<Value> values, IReadOnlyDictionary<State, State> instead)
    {
        var replacements = instead.ToDictionary(pair => pair.Key.Current, pair => pair.Value.Current);
        return GraphRewriter.Substitute(values, leaf => replacements.GetValueOrDefault(leaf, leaf));
    }
}
