namespace OnnxVae.Inference;

/// <summary>Where the nodes of a graph run, as ONNX Runtime has placed them after its optimizations.</summary>
/// <param name="OnDevice">How many run on the device.</param>
/// <param name="OnProcessor">Those that fall back to the processor: operator and name, <c>Round (decoder.0/Round)</c>.</param>
public sealed record NodePlacement(int OnDevice, IReadOnlyList<string> OnProcessor)
{
    private const int MostNamed = 5;

    /// <summary>The first of those that fall back, and how many more there are.</summary>
    public string NamesOnProcessor => $"{string.Join(", ", OnProcessor.Take(MostNamed))}{(OnProcessor.Count > MostNamed ? $" and {OnProcessor.Count - MostNamed} more" : "")}";

    /// <summary>All nodes.</summary>
    public int Count => OnDevice + OnProcessor.Count;
}
