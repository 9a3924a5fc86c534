namespace OnnxVae.Inference;

/// <summary>Where the nodes of a graph run, as ONNX Runtime has placed them after its optimizations.</summary>
/// <param name="OnDevice">How many run on the device.</param>
/// <param name="OnProcessor">Those that fall back to the processor: operator and name, <c>Round (decoder.0/Round)</c>.</param>
public sealed record NodePlacement(int OnDevice, IReadOnlyList<string> OnProcessor)
{
    /// <summary>All nodes.</summary>
    public int Count => OnDevice + OnProcessor.Count;
}
